#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/data: the checker of data/labelled.tsv, the ECInstruct converter and the merger.
Standard library only; the ESCI converter, which needs pandas, has test_from_esci.py."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(ROOT, "tools", "data")
sys.path.insert(0, TOOLS)
import pairs  # noqa: E402


def run(tool, *args):
    return subprocess.run([sys.executable, "-B", os.path.join(TOOLS, tool), *map(str, args)],
                          capture_output=True, text=True, check=False)


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return self.path(name)

    def table(self, name, rows, columns=("query", "title", "label")):
        return self.write(name, "\n".join("\t".join(r) for r in [columns] + rows) + "\n")


class Pairs(InFolder):
    def test_letter(self):
        self.assertEqual([pairs.letter(t) for t in ("E", "exact", "Substitute", "c", "IRRELEVANT",
                                                    "", "Ex", "X")],
                         ["E", "E", "S", "C", "I", None, None, None])

    def test_bad_tables(self):
        for text, message in (("query\ttitle\na\tb\n", "no column label"),
                              ("query\ttitle\tlabel\na\tb\n", ":2: 2 columns, not 3"),
                              ("query\ttitle\tlabel\na\tb\tE", "no newline")):
            with self.assertRaisesRegex(pairs.DataError, message):
                pairs.read_table(self.write("t.tsv", text), ["query", "title", "label"])
        with open(self.path("t.tsv"), "wb") as file:
            file.write(b"query\n\xff\n")
        with self.assertRaisesRegex(pairs.DataError, "not UTF-8 at byte 6"):
            pairs.read_table(self.path("t.tsv"), ["query"])

    def test_a_tab_is_never_written(self):
        with self.assertRaises(pairs.DataError):
            pairs.write_table(self.path("t.tsv"), ["query"], [{"query": "a\tb"}])
        self.assertFalse(os.path.exists(self.path("t.tsv")))


class CheckLabelled(InFolder):
    GOOD = [("red mug", "Aba Red Mug", "Exact", "", "train", "Kitchen"),
            ("red mug", "Aba Blue Mug", "Substitute", "colour", "train", "Kitchen"),
            ("tea", "Aba Tea", "Exact", "", "test", "Tea")]
    COLUMNS = ("query", "title", "label", "note", "split", "category")

    def check(self, rows, *args):
        return run("check_labelled.py", self.table("l.tsv", rows, self.COLUMNS), "--least",
                   "1,1,0,0", *args)

    def test_good(self):
        done = self.check(self.GOOD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"all +2 +1 +0 +0 +3")

    def test_each_defect(self):
        good = self.GOOD
        for bad, message in (
                (good + [("RED  mug", "Other", "Exact", "", "train", "Kitchen")], "stray spaces"),
                (good + [("RED mug", "Aba red mug", "Exact", "", "train", "Kitchen")],
                 "the pair of line 2 again"),
                (good + [("tea", "Other", "Exact", "", "train", "Tea")], "in both splits"),
                (good + [("tea", "Other", "Exact", "", "test", "Kitchen")], "two categories"),
                (good + [("t", "Other", "E", "", "test", "Tea")], "label 'E'"),
                (good + [("t", "Other", "Exact", "", "dev", "Tea")], "split 'dev'"),
                (good + [("t", "", "Exact", "", "test", "Tea")], "empty title"),
                (good[:1], "0 Substitute pairs, fewer than 1"),
                (good + [("t", "x" * 1000000, "Exact", "", "test", "Tea")], "more than 1000000")):
            done = self.check(bad)
            self.assertEqual(done.returncode, 1, message)
            self.assertIn(message, done.stderr)

    def test_columns(self):
        done = run("check_labelled.py", self.table("l.tsv", [("a", "b", "Exact")]))
        self.assertEqual(done.returncode, 2)
        self.assertIn("no column note", done.stderr)

    def test_copies_of_public_pairs(self):
        os.mkdir(self.path("shared"))
        self.table("shared/other.tsv", [("1", "2")], ("a", "b"))
        self.table("shared/p.tsv", [("x", "aba tea", "E"), ("Red Mug", "y", "E")])
        done = self.check(self.GOOD, "--shared", self.path("shared"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 4: its title is line 2 of p.tsv", done.stderr)
        self.assertIn("its query is line 3 of p.tsv", done.stderr)
        self.assertEqual(self.check(self.GOOD, "--shared", self.path("none")).returncode, 0)


OPTIONS = ["A: The product is relevant to the query, and satisfies all the query specifications.",
           "B: The product is somewhat relevant. It fails to fulfill some aspects of the query but "
           "the product can be used as a functional substitute.",
           "C: The product does not fulfill the query, but could be used in combination with a "
           "product exactly matching the query.", "D: The product is irrelevant to the query."]


def classify(query, title, output, **more):
    return {"instruction": "?", "input": json.dumps({"query": query, "product title": title}),
            "options": json.dumps(OPTIONS), "output": output, **more}


def identify(query, title, output, **more):
    return {"instruction": "?", "input": json.dumps({"query": query, "product": title}),
            "output": output, **more}


class FromEcinstruct(InFolder):
    def convert(self, data, *args, lines=False):
        text = "\n".join(map(json.dumps, data)) + "\n" if lines else json.dumps(data)
        done = run("from_ecinstruct.py", self.path("out.tsv"), self.write("in.json", text), *args)
        if done.returncode:
            return done, None
        return done, [(r["query"], r["title"], r["label"], r["source"])
                      for r in pairs.read_table(self.path("out.tsv"), ["source"])]

    def test_four_options(self):
        data = [classify("mug", f"t{i}", OPTIONS[i]) for i in range(4)]
        for lines in (False, True):
            rows = self.convert(data, lines=lines)[1]
            self.assertEqual(rows, [("mug", f"t{i}", "ESCI"[i], "ecinstruct") for i in range(4)])

    def test_the_text_counts_not_the_letter(self):
        record = classify("mug", "t", "A: The product is irrelevant to the query.")
        self.assertEqual(self.convert([record])[1][0][2], "I")
        self.assertEqual(self.convert([classify("mug", "t", "C")])[1][0][2], "C")
        record["options"] = json.dumps(["C" + OPTIONS[3][1:]])
        record["output"] = "C"
        self.assertEqual(self.convert([record])[1][0][2], "I")

    def test_substitute_identification(self):
        done, rows = self.convert([identify("mug", "cup", "yes"), identify("mug", "hat", "no")])
        self.assertEqual(rows, [("mug", "cup", "S", "ecinstruct")])
        self.assertIn("'no label': 1", done.stdout)

    def test_one_file_of_all_tasks(self):
        task = "Multiclass_Product_Classification"
        data = [classify("a", "t", OPTIONS[0], task=task, split="train",
                         setting="IND_Single_Instruction"),
                classify("A ", "t", OPTIONS[0], task=task, split="train",
                         setting="IND_Diverse_Instruction"),
                classify("b", "t", OPTIONS[0], task=task, split="test", setting="x"),
                {"task": "Sentiment_Analysis", "split": "train", "input": "good", "output": "A"},
                {"task": "Query_Product_Rank", "split": "train",
                 "input": json.dumps({"query": "q", "product list": ["A: x"]}), "output": "A"}]
        done, rows = self.convert(data, "--split", "train")
        self.assertEqual([r[0] for r in rows], ["a"])
        for part in ("'copy': 1", "'other task': 2", "'other split or setting': 1"):
            self.assertIn(part, done.stdout)

    def test_two_labels(self):
        data = [classify("a", "t", OPTIONS[0]), identify("a", "t", "yes"),
                classify("b", "t\tt\n", OPTIONS[3])]
        self.assertEqual(self.convert(data)[1], [("b", "t t", "I", "ecinstruct")])

    def test_bad_files(self):
        for data, message in (([classify("a", "t", "maybe")], "record 1: output 'maybe' is none"),
                              ([identify("a", "t", "perhaps")], "is not yes or no"),
                              ([{"task": "Multiclass_Product_Classification", "input": "x",
                                 "output": "A"}], "input is not a JSON object"),
                              ([5], "not an object"), ([], "no labelled pair")):
            done = self.convert(data)[0]
            self.assertEqual(done.returncode, 2, message)
            self.assertIn(message, done.stderr)
            self.assertFalse(os.path.exists(self.path("out.tsv")))
        done = run("from_ecinstruct.py", self.path("out.tsv"), self.write("in.json", "{"))
        self.assertIn("not JSON", done.stderr)


class BuildSets(InFolder):
    def build(self, *args):
        done = run("build_sets.py", "--out", self.path("out"), *args)
        if done.returncode:
            return done, None, None
        read = [[(r["query"], r["title"], r["label"], r["source"])
                 for r in pairs.read_table(self.path("out", f"{n}.tsv"), ["source"])]
                for n in ("train", "dev")]
        return (done, *read)

    def test_dev_queries_stay_out_in_any_word_order(self):
        dev = self.table("dev.tsv", [("red mug", "x", "E")])
        a = self.table("a.tsv", [("Mug  RED", "y", "S"), ("tea", "t", "Exact")])
        _, train, rows = self.build("--dev", dev, "--source", a)
        self.assertEqual(train, [("tea", "t", "E", "a")])
        self.assertEqual(rows, [("red mug", "x", "E", "dev")])

    def test_test_splits_stay_out_of_every_source(self):
        columns = ("query", "title", "label", "split")
        dev = self.table("dev.tsv", [("d", "x", "E")])
        a = self.table("a.tsv", [("tea", "other", "S"), ("hat", "h", "E")])
        b = self.table("b.tsv", [("tea", "t", "Exact", "test"), ("cup", "c", "Exact", "train")],
                       columns)
        _, train, _ = self.build("--dev", dev, "--source", a, "--source", b)
        self.assertEqual([r[0] for r in train], ["hat", "cup"])

    def test_held_out(self):
        dev = self.table("dev.tsv", [("d", "x", "E")])
        held = self.table("held.tsv", [("tea", "x", "E")])
        a = self.table("a.tsv", [("tea", "other", "S"), ("hat", "h", "E")])
        _, train, _ = self.build("--dev", dev, "--held-out", held, "--source", a)
        self.assertEqual([r[0] for r in train], ["hat"])

    def test_copies_and_disagreement(self):
        dev = self.table("dev.tsv", [("d", "x", "E")])
        a = self.table("a.tsv", [("q", "t", "E"), ("q", "u", "E")])
        b = self.table("b.tsv", [("Q", "T", "E"), ("q", "U", "S"), ("q", "v", "I")])
        _, train, _ = self.build("--dev", dev, "--source", a, "--source", b)
        self.assertEqual([(r[1], r[2], r[3]) for r in train], [("t", "E", "a"), ("v", "I", "b")])
        with open(self.path("out", "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual([i["copies"] for i in manifest["inputs"] if i["use"] == "train"], [0, 2])
        self.assertEqual(manifest["train"]["labels"], {"E": 1, "I": 1})

    def test_sampling_takes_whole_queries_and_is_repeatable(self):
        rows = [(f"q{i // 4}", f"t{i}", "ESCI"[i % 4]) for i in range(400)]
        a, dev = self.table("a.tsv", rows), self.table("dev.tsv", [("d", "x", "E")])
        _, one, _ = self.build("--dev", dev, "--source", a + ":100")
        _, two, _ = self.build("--dev", dev, "--source", a + ":100")
        _, other, _ = self.build("--dev", dev, "--source", a + ":100", "--seed", "2")
        self.assertEqual(len(one), 100)
        self.assertEqual(one, two)
        self.assertNotEqual(one, other)
        self.assertEqual(len({r[0] for r in one}), 25)

    def test_dev_by_share(self):
        rows = [(f"q{i // 4}", f"t{i}", "E") for i in range(2000)]
        _, train, dev = self.build("--source", self.table("a.tsv", rows), "--dev-share", "0.2")
        self.assertEqual(len(train) + len(dev), 2000)
        self.assertTrue(300 < len(dev) < 500, len(dev))
        self.assertFalse({r[0] for r in train} & {r[0] for r in dev})

    def test_errors(self):
        a = self.table("a.tsv", [("q", "t", "nonsense")])
        done = self.build("--source", a)[0]
        self.assertEqual(done.returncode, 2)
        self.assertIn("a.tsv:2: label 'nonsense'", done.stderr)
        self.assertEqual(self.build("--source", self.path("none"))[0].returncode, 2)


if __name__ == "__main__":
    unittest.main()
