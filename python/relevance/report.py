# SPDX-License-Identifier: Apache-2.0
"""One HTML file from evaluations: tables and plots, without anything to fetch.

    relevance eval --json --rows rows.jsonl labelled.tsv > eval.json
    python -m relevance.report eval.json --out report.html

Several evaluations (models, test sets, priors) come side by side in one table, then one by one:
precision and recall of each label, confusion, reliability, precision-recall curves, risk and
coverage, latencies.  The curves and the histogram need the rows that '--rows' wrote; they are
looked for where eval.json says, then beside it.  Needs matplotlib and scikit-learn
(pip install "relevance[report]").
"""
from __future__ import annotations

import argparse
import base64
import html
import io
import json
import math
import os
import sys
import tempfile

# Okabe and Ito's colours, which people who see few colours tell apart.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933"]
GREY = "#9a9a9a"

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { margin-top: 3rem; border-top: 1px solid #ccc; padding-top: 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: right; }
th { font-weight: 600; border-bottom: 1px solid #888; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; height: auto; } figcaption { color: #555; font-size: 13px; }
.note { color: #555; }
"""


class ReportError(Exception):
    """An input that cannot be used; the message says which and why."""


# ---- input ----

def normalised(shares):
    """The file rounds to seven digits; scikit-learn wants a sum of 1."""
    total = sum(shares)
    return [share / total for share in shares]


class Evaluation:
    """One eval.json, and its rows where there are any."""

    def __init__(self, path: str):
        self.path = path
        self.rows = None
        try:
            with open(path, encoding="utf-8") as file:
                self.json = json.load(file)
        except OSError as error:
            raise ReportError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise ReportError(f"{path}: not JSON ({error}); 'relevance eval --json' writes it") from error
        missing = [key for key in ("n", "accuracy", "macro_f1", "per_class", "confusion", "reliability",
                                   "latency_ms", "labels") if not isinstance(self.json, dict)
                   or key not in self.json]
        if missing:
            raise ReportError(f"{path}: no '{missing[0]}'; 'relevance eval --json' writes it")
        self.labels = self.json["labels"]
        if self.json["n"] == 0:
            raise ReportError(f"{path}: no pairs were evaluated")
        if self.json.get("rows"):
            self.read_rows(self.json["rows"])

    @property
    def name(self) -> str:
        return os.path.splitext(os.path.basename(self.path))[0]

    def read_rows(self, wanted: str) -> None:
        beside = os.path.join(os.path.dirname(self.path), os.path.basename(wanted))
        path = wanted if os.path.exists(wanted) else beside
        try:
            with open(path, encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
            self.truth = [self.labels.index(row["label"]) for row in rows]
            self.predicted = [self.labels.index(row["predicted"]) for row in rows]
            self.probabilities = [normalised([row["probs"][label] for label in self.labels]) for row in rows]
            self.latencies = [row["latency_ms"] for row in rows]
        except OSError as error:
            raise ReportError(f"{path}: {error.strerror} (the rows of {self.path})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ReportError(f"{path}: not the rows that 'relevance eval --rows' writes "
                              f"({type(error).__name__}: {error})") from error
        self.rows = rows
        self.check_rows(path)

    def check_rows(self, path: str) -> None:
        """Rows of another run would give plots that contradict the tables: compute the figures again."""
        from sklearn.metrics import confusion_matrix, log_loss
        n = len(self.labels)
        if confusion_matrix(self.truth, self.predicted, labels=range(n)).tolist() != self.json["confusion"]:
            raise ReportError(f"{path}: these rows are not those of {self.path}: another confusion table")
        loss = log_loss(self.truth, self.probabilities, labels=range(n)) if n > 1 else 0.0
        if abs(loss - self.json["log_loss"]) > 1e-4 * max(1.0, loss):
            raise ReportError(f"{path}: these rows are not those of {self.path}: log loss {loss:.6f} "
                              f"instead of {self.json['log_loss']:.6f}")


# ---- plots ----

def figure(width: float = 5.2, height: float = 4.2):
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "relevance", "font.size": 10, "axes.spines.top": False,
                                "axes.spines.right": False, "figure.constrained_layout.use": True})
    import matplotlib.pyplot as plt
    return plt.subplots(figsize=(width, height))


def picture(fig, what: str, caption: str) -> str:
    import matplotlib.pyplot as plt
    data = io.BytesIO()
    fig.savefig(data, format="svg", metadata={"Date": None})
    plt.close(fig)
    text = base64.b64encode(data.getvalue()).decode("ascii")
    return (f'<figure><img alt="{html.escape(what, quote=True)}" src="data:image/svg+xml;base64,{text}">'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>")


def plot_confusion(e: Evaluation) -> str:
    import numpy as np
    table = np.array(e.json["confusion"])
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    fig, ax = figure()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(len(table)):
        for k in range(len(table)):
            ax.text(k, i, f"{table[i, k]}\n{100 * shares[i, k]:.0f} %", ha="center", va="center",
                    color="white" if shares[i, k] > 0.55 else "black", fontsize=9)
    ax.set_xticks(range(len(table)), e.labels, rotation=20)
    ax.set_yticks(range(len(table)), e.labels)
    ax.set(xlabel="predicted", ylabel="true", title="Confusion")
    ax.spines[:].set_visible(False)
    return picture(fig, "Confusion table of true and predicted labels",
                   "Pairs, and their share of the true label's.")


def plot_reliability(e: Evaluation) -> str:
    bins = [b for b in e.json["reliability"] if b["pairs"] > 0]
    fig, ax = figure()
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    ax.vlines([b["mean"] for b in bins], [b["mean"] for b in bins],
              [b["right"] for b in bins], color=COLOURS[1], alpha=0.5)
    most = max(b["pairs"] for b in bins)
    ax.scatter([b["mean"] for b in bins], [b["right"] for b in bins], color=COLOURS[0],
               s=[20 + 180 * b["pairs"] / most for b in bins], zorder=3)
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="probability of the label given",
           ylabel="share that is right", title="Reliability")
    return picture(fig, "Reliability: share of right labels against their probability",
                   f"A calibrated model lies on the diagonal; the size is the number of pairs. "
                   f"ECE {e.json['ece']:.4f}, Brier {e.json['brier']:.4f}, "
                   f"log loss {e.json['log_loss']:.4f}.")


def plot_precision_recall(e: Evaluation) -> str:
    import numpy as np
    from sklearn.metrics import average_precision_score, precision_recall_curve
    truth, p = np.array(e.truth), np.array(e.probabilities)
    fig, ax = figure()
    for k, label in enumerate(e.labels):
        mine = truth == k
        if not mine.any() or mine.all():
            continue
        precision, recall, _ = precision_recall_curve(mine, p[:, k])
        area = average_precision_score(mine, p[:, k])
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(recall, precision, color=colour, label=f"{label} {area:.3f}", linewidth=1.5)
        ax.axhline(mine.mean(), color=colour, linewidth=0.8, linestyle=":")
        scores = e.json["per_class"][label]
        ax.plot(scores["recall"], scores["precision"], "o", color=colour)
    ax.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="recall", ylabel="precision", title="Precision and recall")
    if ax.lines:
        ax.legend(title="average precision", frameon=False, fontsize=9, loc="best")
    return picture(fig, "Precision against recall for each label",
                   "Each label against the rest, by its probability. Dots: the most probable label. "
                   "Dotted: the label's share, which guessing reaches.")


def plot_risk(e: Evaluation) -> str:
    import numpy as np
    p, truth = np.array(e.probabilities), np.array(e.truth)
    right = np.array(e.predicted) == truth
    order = np.argsort(-p.max(axis=1), kind="stable")
    coverage = np.arange(1, len(truth) + 1) / len(truth)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(truth) + 1)
    fig, ax = figure()
    ax.plot(coverage, accuracy, color=COLOURS[0])
    for point in e.json["coverage"]:
        ax.plot(point["coverage"], point["right"], "o", color=COLOURS[1])
        ax.annotate(f"{100 * point['right']:.1f} %", (point["coverage"], point["right"]),
                    textcoords="offset points", xytext=(4, 6), fontsize=9)
    ax.set(xlim=(0, 1.02), ylim=(max(0, math.floor(10 * accuracy[len(truth) // 20:].min()) / 10 - 0.1), 1.02),
           xlabel="share of the pairs answered, surest first", ylabel="share of those that is right",
           title="Risk and coverage")
    return picture(fig, "Accuracy against the share of pairs that are answered",
                   f"What is gained by leaving the least sure pairs to somebody else. Mean error over all "
                   f"coverages {e.json['risk_coverage_area']:.4f}.")


def plot_confidence(e: Evaluation) -> str:
    import numpy as np
    sure, right = np.array(e.probabilities).max(axis=1), np.array(e.predicted) == np.array(e.truth)
    fig, ax = figure()
    ax.hist([sure[right], sure[~right]], bins=25, range=(0, 1), stacked=True,
            color=[COLOURS[0], COLOURS[1]], label=["right", "wrong"])
    ax.set(xlim=(0, 1), xlabel="probability of the label given", ylabel="pairs", title="Confidence")
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    return picture(fig, "Histogram of the probability of the label given, right and wrong ones",
                   f"Of {len(right)} pairs {int(right.sum())} are right; the middle one has a "
                   f"probability of {np.median(sure):.3f}.")


def plot_latency(e: Evaluation) -> str:
    import numpy as np
    times, summary = np.array(e.latencies), e.json["latency_ms"]
    # A few pauses of the machine would squeeze everything else into one bar.
    limit = max(1.5 * summary["p99"], 1e-3)
    fig, ax = figure()
    ax.hist(np.minimum(times, limit), bins=60, range=(0, limit), color=COLOURS[0], alpha=0.8)
    for key, colour in (("p50", COLOURS[2]), ("p95", COLOURS[4]), ("p99", COLOURS[1])):
        ax.axvline(summary[key], color=colour, linewidth=1.5, label=f"{key} {summary[key]:.2f} ms")
    ax.set(xlim=(0, limit), xlabel="ms for one pair", ylabel="pairs", title="Latency")
    ax.legend(frameon=False, fontsize=9)
    beyond = int((times > limit).sum())
    return picture(fig, "Histogram of the latency of single calls",
                   f"Mean {summary['mean']:.2f} ms, {e.json['pairs_per_s']:.1f} pairs/s one at a time, "
                   f"{e.json['threads']} thread{'s' if e.json['threads'] > 1 else ''}, {e.json['isa']}"
                   + (f"; {beyond} slower ones in the last bar." if beyond else "."))


# ---- the page ----

def table(header, rows) -> str:
    head = "".join(f"<th>{html.escape(str(c))}</th>" for c in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def percent(x) -> str:
    return "" if x is None else f"{100 * x:.1f} %"


def interval(values) -> str:
    return "" if not values else f"{100 * values[0]:.1f} to {100 * values[1]:.1f} %"


def overview(evaluations) -> str:
    header = ["", "pairs", "accuracy", "95 % interval", "macro F1", "ECE", "log loss", "p50 ms", "p95 ms",
              "p99 ms", "pairs/s"]
    priced = any("cost_per_1000" in e.json for e in evaluations)
    rows = []
    for e in evaluations:
        j = e.json
        row = [e.name, j["n"], percent(j["accuracy"]), interval(j.get("accuracy_interval")),
               f"{j['macro_f1']:.3f}", f"{j['ece']:.3f}", f"{j['log_loss']:.3f}"]
        row += [f"{j['latency_ms'][key]:.2f}" for key in ("p50", "p95", "p99")] + [f"{j['pairs_per_s']:.1f}"]
        if priced:
            row.append(f"{j['cost_per_1000']:.6f}" if "cost_per_1000" in j else "")
        rows.append(row)
    return table(header + (["cost of 1,000"] if priced else []), rows)


def settings(e: Evaluation) -> str:
    j = e.json
    parts = [f"{j['n']} pairs of {j.get('input', '?')}", f"model {j.get('model', '?')}",
             f"{j.get('weights', '?')} weights", f"{j.get('isa', '?')}, {j.get('threads', 1)} thread{'s' if j.get('threads', 1) > 1 else ''}",
             f"{j.get('tokens_mean', 0):.1f} tokens a pair"]
    if j.get("truncated"):
        parts.append(f"{j['truncated']} pairs cut")
    if j.get("failed"):
        parts.append(f"{j['failed']} rows could not be used")
    if j.get("prior"):
        parts.append("for label shares " + ", ".join(f"{k} {v:.3f}" for k, v in j["prior"].items()))
    return '<p class="note">' + html.escape("; ".join(parts)) + ".</p>\n"


def section(e: Evaluation) -> str:
    rows = [[label, percent(s["precision"]), percent(s["recall"]), percent(s["f1"]), s["support"]]
            for label, s in e.json["per_class"].items()]
    plots = [plot_confusion(e), plot_reliability(e)]
    note = ""
    if e.rows is not None:
        plots += [plot_precision_recall(e), plot_risk(e), plot_confidence(e), plot_latency(e)]
    else:
        note = ('<p class="note">No curves and no histogram: this evaluation was made without --rows.</p>\n')
    return (f"<section><h2>{html.escape(e.name)}</h2>\n" + settings(e)
            + table(["label", "precision", "recall", "F1", "pairs"], rows)
            + '<div class="plots">\n' + "\n".join(plots) + "\n</div>\n" + note + "</section>\n")


def page(evaluations, title: str) -> str:
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            # Nothing is fetched, and nothing in a label or a file name can run.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
            "style-src 'unsafe-inline'\">\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n"
            f"<h1>{html.escape(title)}</h1>\n" + overview(evaluations)
            + "".join(section(e) for e in evaluations) + "</body></html>\n")


def write_whole(path: str, text: str) -> None:
    """Through a temporary file, so that a reader never sees half a report."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path) + ".tmp.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m relevance.report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", nargs="+", metavar="eval.json", help="of 'relevance eval --json'")
    parser.add_argument("--out", required=True, metavar="report.html", help="the file to write")
    parser.add_argument("--title", default="Query-product relevance: evaluation", help="of the page")
    args = parser.parse_args(argv)
    try:
        import matplotlib  # noqa: F401  (fail before any work)
        import sklearn  # noqa: F401
    except ImportError as error:
        print(f"relevance.report: {error}; pip install matplotlib scikit-learn", file=sys.stderr)
        return 2
    try:
        text = page([Evaluation(path) for path in args.evaluations], args.title)
        write_whole(args.out, text)
    except ReportError as error:
        print(f"relevance.report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"relevance.report: {args.out}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
