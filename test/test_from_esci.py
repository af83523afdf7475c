#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/data/from_esci.py on small made-up files in the official schema.  Needs pandas and
pyarrow (tools/requirements.txt): 'make check-data', not part of 'make check'."""
import os
import subprocess
import sys
import tempfile
import unittest

import pandas

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools", "data"))
import pairs  # noqa: E402

EXAMPLES = ["example_id", "query", "query_id", "product_id", "product_locale", "esci_label",
            "small_version", "large_version", "split"]
PRODUCTS = ["product_id", "product_title", "product_description", "product_bullet_point",
            "product_brand", "product_color", "product_locale"]


class FromEsci(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.examples = [
            (3, "red mug", 1, "P1", "us", "E", 1, 1, "train"),
            (1, "red  mug\t", 1, "P2", "us", "S", 0, 1, "train"),
            (2, "red mug", 1, "P3", "us", "C", 1, 1, "test"),
            (4, "taza", 2, "P1", "es", "I", 1, 1, "train"),
            (5, "red mug", 1, "P4", "us", "I", 0, 1, "train"),     # a product without a title
            (6, "red mug", 1, "P9", "us", "I", 0, 1, "train"),     # no such product
            (7, "Red Mug", 1, "P5", "us", "E", 0, 1, "train"),     # P5 is called as P1
            (8, "tea", 3, "P1", "us", "E", 0, 1, "train"),
            (9, "tea", 3, "P5", "us", "I", 0, 1, "train"),         # and labelled otherwise
            (10, "old", 4, "P1", "us", "E", 0, 0, "train")]
        self.products = [
            ("P1", "Aba Red\nMug", "d", "b", "Aba", "red", "us"),
            ("P1", "Aba Taza", "d", "b", "Aba", "rojo", "es"),
            ("P2", "Aba Blue Mug", None, None, None, None, "us"),
            ("P3", "Aba Saucer", None, None, None, None, "us"),
            ("P4", None, None, None, None, None, "us"),
            ("P5", "ABA red mug", None, None, None, None, "us")]

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def convert(self, *args):
        pandas.DataFrame(self.examples, columns=EXAMPLES).to_parquet(self.path("e.parquet"))
        pandas.DataFrame(self.products, columns=PRODUCTS).to_parquet(self.path("p.parquet"))
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(ROOT, "tools/data/from_esci.py"),
             self.path("e.parquet"), self.path("p.parquet"), self.path("out.tsv"), *args],
            capture_output=True, text=True, check=False)
        if done.returncode:
            return done, None
        return done, [(r["query"], r["title"], r["label"], r["source"])
                      for r in pairs.read_table(self.path("out.tsv"), ["source"])]

    def test_train_us_large(self):
        done, rows = self.convert()
        self.assertEqual(rows, [("red mug", "Aba Blue Mug", "S", "esci_us"),
                                ("red mug", "Aba Red Mug", "E", "esci_us")])
        self.assertIn("{'no title': 2, 'copy': 2, 'two labels': 1}", done.stdout)

    def test_small(self):
        self.assertEqual(self.convert("--version", "small")[1],
                         [("red mug", "Aba Red Mug", "E", "esci_us")])

    def test_split(self):
        self.assertEqual(self.convert("--split", "test")[1],
                         [("red mug", "Aba Saucer", "C", "esci_us")])
        self.assertEqual(len(self.convert("--split", "all")[1]), 3)

    def test_locale_picks_the_title(self):
        self.assertEqual(self.convert("--locale", "es")[1], [("taza", "Aba Taza", "I", "esci_es")])
        self.assertEqual(len(self.convert("--locale", "us", "es")[1]), 3)
        done = self.convert("--locale", "jp")[0]
        self.assertEqual(done.returncode, 2)
        self.assertIn("no pair of locale jp", done.stderr)

    def test_bad_input(self):
        self.examples[0] = self.examples[0][:5] + ("X",) + self.examples[0][6:]
        self.assertIn("esci_label 'X'", self.convert()[0].stderr)
        self.setUp()
        self.products.append(self.products[0])
        self.assertIn("a product_id twice", self.convert()[0].stderr)
        self.setUp()
        self.products = [p[:1] + p[2:] for p in self.products]
        PRODUCTS.remove("product_title")
        self.addCleanup(PRODUCTS.insert, 1, "product_title")
        done = self.convert()[0]
        self.assertEqual(done.returncode, 2)
        self.assertIn("p.parquet: not a Parquet file with", done.stderr)


if __name__ == "__main__":
    unittest.main()
