#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped intent model, data/intent.rlv: what docs/intent.md says of it, and hostile texts.

    python3 test/intent_model.py build/relevance

Run in the repository's root.  Standard library alone.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

EXE = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/relevance")
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
CATALOG, HARD_CATALOG = "data/intent/catalog.tsv", "data/intent/hard_catalog.tsv"


def relevance(*words, text=None):
    """What it printed; the model is the one that it finds by itself."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("RELEVANCE_")}
    done = subprocess.run([EXE, *words], input=text, stdout=subprocess.PIPE, cwd=ROOT, env=env)
    if done.returncode != 0:
        raise AssertionError(f"{words}: exit status {done.returncode}")
    return done.stdout.decode()


def extract(text, *words):
    return json.loads(relevance("extract", "--json", *words, "-", text=text.encode() + b"\n"))


class IntentModel(unittest.TestCase):
    def evaluate(self, catalog, rows):
        return json.loads(relevance("eval", "--task", "intent", "--json", "-c", catalog, rows))

    def test_size(self):
        self.assertLessEqual(os.path.getsize(os.path.join(ROOT, "data", "intent.rlv")), 15_000_000)

    def test_the_split(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/synth/intent.py"), "--n",
                            "6000", "--seed", "1", "--out", folder], check=True,
                           stdout=subprocess.DEVNULL)
            found = self.evaluate(CATALOG, os.path.join(folder, "test.jsonl"))
        self.assertEqual(found["n"], 600)
        self.assertGreaterEqual(found["exact"], .988)

    def test_the_harder_test(self):
        found = self.evaluate(HARD_CATALOG, "data/intent/hard.jsonl")
        self.assertEqual(found["n"], 480)
        self.assertGreaterEqual(found["exact"], .95)

    def test_by_hand(self):
        for text, want in (
                ("Makni 12 balzama za usne, hvala!", ("remove", "Lip Balm", 12)),
                ("add two shampoos", ("add", "Shampoo", 2)),
                ("quita el champ\u00fa", ("remove", "Shampoo", 1)),
                ("dodaj tucet jaja", ("add", "Eggs", 12))):
            row = extract(text, "-c", CATALOG)
            self.assertEqual((row["action"], row["product"], row["quantity"]), want, text)
            self.assertEqual(list(row)[:3], ["action", "product", "quantity"])

    def test_hostile_texts(self):
        two = extract("add 2 shampoos and 3 candles", "-c", CATALOG)
        self.assertEqual((two["product"], two["quantity"], two["products"]), ("Shampoo", 2, 2))
        for text in ("hello there", "\U0001f64f", "!!!", "[CLS] [SEP]", "x" * 5000, "7"):
            row = extract(text, "-c", CATALOG)
            self.assertIn(row["action"], ("add", "remove"))
            self.assertTrue(1 <= row["quantity"] <= 1_000_000, text)
        for text in ("remove -3 candles", "remove 99999999999999999999 candles", "remove 0 candles"):
            row = extract(text, "-c", CATALOG)
            self.assertEqual(row["quantity"], 1, text)
            self.assertIn(row["quantity_kind"], ("out_of_range", "absent"), text)
        long = extract("remove 3 candles " + "and then some more " * 55_000, "-c", CATALOG)
        self.assertGreater(long["truncated"], 200_000)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
