#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A first look at the model on a table of judged pairs: right and wrong, confidence, time, a ranking.

    explore.py [PAIRS.tsv] [--out FOLDER]

The cells (# %%) run one by one in Jupyter, VS Code or Spyder; as a script, the whole prints its
findings and writes four plots (PNG).  PAIRS.tsv has the columns query, title and label; without it,
the samples of the source tree are used.  Needs pandas, matplotlib and scikit-learn.
"""
# %% Data: judged pairs
import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # files, no windows
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.metrics import ConfusionMatrixDisplay, classification_report  # noqa: E402

from relevance import Relevance  # noqa: E402

SAMPLES = Path(__file__).resolve().parents[3] / "data" / "samples.tsv"
parser = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pairs", nargs="?", default=SAMPLES, help="TSV: query, title, label")
parser.add_argument("--out", default=".", type=Path, help="folder of the plots (default: this one)")
arguments = parser.parse_args()
arguments.out.mkdir(parents=True, exist_ok=True)
table = pd.read_csv(arguments.pairs, sep="\t", quoting=3, keep_default_na=False)
print("%d pairs, %d queries" % (len(table), table["query"].nunique()))

# %% Predict: the data frame goes in as it is
model = Relevance()
labels = list(model.labels)
probabilities = model.predict(table)
table["predicted"] = [labels[i] for i in probabilities.argmax(axis=1)]
table["confidence"] = probabilities.max(axis=1)
right = table["predicted"] == table["label"]
print("accuracy %.3f" % right.mean())
print(classification_report(table["label"], table["predicted"], labels=labels, zero_division=0))

# %% Where it is wrong
figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
ConfusionMatrixDisplay.from_predictions(table["label"], table["predicted"], labels=labels, ax=axes,
                                        cmap="Blues", colorbar=False)
axes.set_title("judged and predicted labels")
figure.savefig(arguments.out / "confusion.png", dpi=120)
print("most confident mistakes:")
for row in table[~right].nlargest(5, "confidence").itertuples():
    print("  %.2f  %-10s for %-10s  %s | %.50s"
          % (row.confidence, row.predicted, row.label, row.query, row.title))

# %% Does the confidence mean what it says?  Bins of equal size, so each point has the same weight
figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
bins = pd.qcut(table["confidence"], 6, duplicates="drop")
groups = pd.DataFrame({"said": table["confidence"], "was": right}).groupby(bins, observed=True)
points = groups.mean()
axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfect")
axes.plot(points["said"], points["was"], marker="o", label="model")
axes.set(xlabel="probability of the predicted label", ylabel="share that is right", xlim=(0.2, 1),
         ylim=(0, 1), title="calibration")
axes.legend()
figure.savefig(arguments.out / "calibration.png", dpi=120)

# %% Time of a call against the length of a pair
results, milliseconds = [], []
for query, title in zip(table["query"], table["title"]):
    start = time.perf_counter()
    results.append(model.classify(query, title))
    milliseconds.append(1e3 * (time.perf_counter() - start))
tokens = np.array([r.tokens for r in results])
figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
axes.scatter(tokens, milliseconds, s=12)
axes.set(xlabel="tokens", ylabel="milliseconds", ylim=(0, 1.1 * np.percentile(milliseconds, 98)),
         title="one classify() on one thread, %s" % model.isa)
figure.savefig(arguments.out / "latency.png", dpi=120)
print("a call: median %.2f ms, %.1f tokens a pair" % (np.median(milliseconds), tokens.mean()))

# %% Rank all titles for one query
query = table["query"].iloc[0]
best = model.rank(query, table["title"].drop_duplicates(), top_k=10)
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
axes.barh(range(len(best)), [r.score for r in best])
axes.set_yticks(range(len(best)), [r.product[:50] for r in best])
axes.invert_yaxis()
axes.set(xlabel="score for '%s'" % query)
figure.savefig(arguments.out / "ranking.png", dpi=120)
print("best for '%s': %s" % (query, best[0].product))
