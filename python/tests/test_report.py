# SPDX-License-Identifier: Apache-2.0
"""relevance.report: what the page holds, and what it refuses."""
import base64
import contextlib
import io
import json
import os
import random
import re
import tempfile
import unittest
import xml.etree.ElementTree

from relevance import report

try:
    import matplotlib  # noqa: F401
    import sklearn  # noqa: F401
    plots = True
except ImportError:
    plots = False

LABELS = ["Exact", "Substitute", "<script>alert(1)</script>"]


def evaluation(n=60, seed=1):
    """What 'relevance eval --json --rows' writes, for pairs at random."""
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support
    draw = random.Random(seed)
    rows = []
    for line in range(n):
        p = [draw.random() ** 3 for _ in LABELS]
        p = [x / sum(p) for x in p]
        rows.append({"line": line + 2, "label": draw.choices(LABELS, p)[0],
                     "predicted": LABELS[p.index(max(p))], "probs": dict(zip(LABELS, p)),
                     "logits": dict(zip(LABELS, p)), "latency_ms": 1 + draw.random(), "tokens": 9,
                     "truncated": 0})
    truth = [LABELS.index(row["label"]) for row in rows]
    said = [LABELS.index(row["predicted"]) for row in rows]
    right = sum(a == b for a, b in zip(truth, said)) / n
    scores = precision_recall_fscore_support(truth, said, labels=range(3), zero_division=0)
    return rows, {
        "n": n, "accuracy": right, "accuracy_interval": [right - .1, right + .1],
        "macro_f1": scores[2].mean(), "brier": .5, "ece": .1,
        "log_loss": log_loss(truth, [list(r["probs"].values()) for r in rows], labels=range(3)),
        "per_class": {label: {"precision": scores[0][k], "recall": scores[1][k], "f1": scores[2][k],
                              "support": int(scores[3][k])} for k, label in enumerate(LABELS)},
        "confusion": confusion_matrix(truth, said, labels=range(3)).tolist(),
        "reliability": [{"low": 0, "high": .5, "pairs": 0, "mean": 0, "right": 0},
                        {"low": .5, "high": 1, "pairs": n, "mean": .7, "right": right}],
        "coverage": [{"coverage": c, "right": right, "threshold": .5} for c in (.5, .8, .9)],
        "risk_coverage_area": .2, "latency_ms": {"mean": 1.5, "p50": 1.5, "p95": 1.9, "p99": 2.0},
        "pairs_per_s": 666.7, "threads": 1, "isa": "scalar", "weights": "q8", "labels": LABELS,
        "core_hour_price": .04, "cost_per_1000": .000017, "prior": dict(zip(LABELS, (.5, .25, .25))),
        "rows": "rows.jsonl"}


@unittest.skipUnless(plots, "needs matplotlib and scikit-learn")
class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rows, self.json = evaluation()
        self.out = os.path.join(self.folder, "report.html")

    def write(self, name, value, rows=None):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        if rows is not None:
            with open(os.path.join(self.folder, "rows.jsonl"), "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        return path

    def run_report(self, *paths):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = report.main([*paths, "--out", self.out])
        return status, errors.getvalue()

    def refused(self, word, *paths):
        status, errors = self.run_report(*paths)
        self.assertEqual(status, 2)
        self.assertIn(word, errors)
        self.assertFalse(os.path.exists(self.out))
        self.assertEqual([f for f in os.listdir(self.folder) if ".tmp." in f], [])

    def test_page(self):
        path = self.write("first.json", self.json, self.rows)
        plain = self.write("second.json", {**self.json, "rows": None})
        self.assertEqual(self.run_report(path, plain), (0, ""))
        with open(self.out, encoding="utf-8") as file:
            page = file.read()
        pictures = re.findall(r'<img alt="[^"]+" src="data:image/svg\+xml;base64,([^"]+)">', page)
        self.assertEqual(len(pictures), 6 + 2)  # all with rows, confusion and reliability without
        for picture in pictures:
            tree = xml.etree.ElementTree.fromstring(base64.b64decode(picture))
            self.assertEqual(tree.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertIn("%.1f %%" % (100 * self.json["accuracy"]), page)
        self.assertIn("0.000017", page)
        self.assertIn("without --rows", page)
        # One file: nothing is fetched, and a label is text.
        self.assertNotIn("<script", page)
        self.assertNotRegex(page, r'(src|href)="(?!data:)')
        self.assertEqual(self.run_report(path, plain), (0, ""))
        with open(self.out, encoding="utf-8") as file:
            self.assertEqual(file.read(), page)

    def test_one_label_only(self):
        rows = [{**row, "label": LABELS[0], "predicted": LABELS[0],
                 "probs": dict(zip(LABELS, (1.0, 0.0, 0.0)))} for row in self.rows]
        confusion = [[len(rows), 0, 0], [0, 0, 0], [0, 0, 0]]
        path = self.write("eval.json", {**self.json, "confusion": confusion, "log_loss": 0.0}, rows)
        self.assertEqual(self.run_report(path), (0, ""))

    def test_rows_of_another_run(self):
        other = evaluation(seed=2)[0]
        self.refused("another confusion table", self.write("eval.json", self.json, other))
        changed = [{**row, "probs": {k: .2 + .4 * v for k, v in row["probs"].items()}} for row in self.rows]
        self.refused("log loss", self.write("eval.json", self.json, changed))

    def test_refused(self):
        self.refused("absent.json: No such file", os.path.join(self.folder, "absent.json"))
        self.refused("no 'accuracy'", self.write("eval.json", {"n": 3}))
        self.refused("no 'n'", self.write("eval.json", [1]))
        self.refused("no pairs", self.write("eval.json", {**self.json, "n": 0}))
        self.refused("rows.jsonl: No such file", self.write("eval.json", self.json))
        self.refused("KeyError", self.write("eval.json", self.json, [{"line": 2}]))
        with open(os.path.join(self.folder, "eval.json"), "w", encoding="utf-8") as file:
            file.write("not")
        self.refused("not JSON", os.path.join(self.folder, "eval.json"))


if __name__ == "__main__":
    unittest.main()
