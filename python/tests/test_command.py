# SPDX-License-Identifier: Apache-2.0
"""python -m relevance, and convert()."""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import relevance
from relevance import Relevance

from .support import TINY, samples, scratch, tiny

PACKAGE_PARENT = str(Path(relevance.__file__).resolve().parent.parent)


def command(*arguments, **options):
    env = dict(os.environ, PYTHONPATH=PACKAGE_PARENT)
    return subprocess.run([sys.executable, "-m", "relevance", *map(str, arguments)], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          **options)


class Command(unittest.TestCase):
    def test_classify_agrees(self):
        pairs = samples(20)
        text = "query\ttitle\n" + "".join("%s\t%s\n" % pair for pair in pairs)
        done = command("classify", "--json", "-", input=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        for row, r in zip(rows, Relevance().classify_batch(pairs)):
            self.assertEqual(row["label"], r.label)
            for label, p in row["probs"].items():
                self.assertAlmostEqual(p, r.probabilities[label], 5)
        self.assertEqual(len(rows), 20)

    def test_exit_status(self):
        self.assertEqual(command("--version").stdout.split()[1], relevance.version())
        done = command("clasify", "a", "b")
        self.assertEqual(done.returncode, 2)
        self.assertIn("classify", done.stderr)
        done = command("info", "--model", scratch() / "none.rlv")
        self.assertEqual(done.returncode, 2)

    def test_missing_program_is_explained(self):
        env = dict(os.environ, PYTHONPATH=PACKAGE_PARENT,
                   RELEVANCE_PROGRAM=str(scratch() / "no-program"))
        done = subprocess.run([sys.executable, "-m", "relevance", "--version"], env=env,
                              stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("libjansson-dev", done.stderr)


class Convert(unittest.TestCase):
    def test_options(self):
        out = scratch() / "small.rlv"
        got = relevance.convert(TINY / "distilbert-seq", out, weights="q4", embeddings="q4",
                                calibrate="none", name="tiny one", gains={"Exact": 0.5}, group=32,
                                threads=1)
        self.assertEqual(got, out)
        model = Relevance(out)
        self.assertEqual((model.info.weights, model.info.embeddings), ("q4", "q4"))
        self.assertEqual(model.info.metadata["name"], "tiny one")
        self.assertLess(max(r.score for r in model.rank("a", ["b", "c"])), 0.7)
        self.assertLess(os.path.getsize(out), os.path.getsize(tiny()))

    def test_refused(self):
        out = scratch() / "refused.rlv"
        with self.assertRaisesRegex(ValueError, "q9"):
            relevance.convert(TINY / "distilbert-seq", out, weights="q9")
        (scratch() / "empty").mkdir(exist_ok=True)
        with self.assertRaisesRegex(relevance.RelevanceError, "config.json"):
            relevance.convert(scratch() / "empty", out)
        with self.assertRaisesRegex(FileNotFoundError, "no folder"):
            relevance.convert(scratch() / "nothing", out)
        self.assertFalse(out.exists())

    def test_transformers_model(self):
        try:
            import transformers
        except ImportError:
            self.skipTest("no transformers")
        folder = str(TINY / "distilbert-seq")
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        out = relevance.convert(model, scratch() / "from_object.rlv", weights="f32")
        pair = ("running shoes", "Red running shoe, men, size 10")
        self.assertEqual(Relevance(out).info.metadata["name"], "distilbert-seq")
        # The same weights by way of the object as from the folder.
        self.assertEqual(Relevance(out).classify(*pair),
                         Relevance(tiny("distilbert-seq", "f32")).classify(*pair))


if __name__ == "__main__":
    unittest.main()
