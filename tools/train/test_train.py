#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the trainer on tiny random encoders (test/golden/tiny): 'make check-train', a minute.

The last class also runs build/relevance, and is skipped with a message where that is not built."""
import argparse
import contextlib
import csv
import io
import json
import logging
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import data
import encoders
import fakequant
import scores
import starts
import tasks
import teach
import train
import trainer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TINY = ROOT / "test" / "golden" / "tiny"
RELEVANCE = pathlib.Path(os.environ.get("RELEVANCE", ROOT / "build" / "relevance"))
PRODUCTS = ["red shoe", "steel pan", "olive oil", "dog food", "phone case", "usb cable"]


def write_pairs(path, n, seed=1):
    """Exact where the title holds the query, else Irrelevant; some Substitute and Complement."""
    r = random.Random(seed)
    with open(path, "w") as f:
        f.write("query\ttitle\tlabel\n")
        for i in range(n):
            a, b = r.sample(PRODUCTS, 2)
            label = "ESCI"[i % 4]
            title = {"E": f"{a} large", "S": f"{a} small", "C": f"cover for {a}", "I": b}[label]
            f.write(f"{a} {i % 7}\t{title}{' black' * r.randrange(6)}\t{label}\n")


def write_intents(path, n, seed=1):
    r = random.Random(seed)
    with open(path, "w") as f:
        for _ in range(n):
            action, product = r.choice(["add", "remove"]), r.choice(PRODUCTS)
            quantity = r.choice([None, str(r.randrange(2, 99))])
            text = {"add": "with ", "remove": "without "}[action]
            spans = {"product": None, "quantity": None}
            for name, part in (("quantity", quantity), ("product", product)):
                if part is not None:
                    spans[name] = [len(text), len(text) + len(part)]
                    text += part + " "
            f.write(json.dumps({"text": text, "action": action, "product": product,
                                "quantity": int(quantity or 1), "language": "en",
                                "noise": ["none"], "spans": spans}) + "\n")


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        logger = logging.getLogger("train")
        logger.setLevel(logging.INFO)
        logger.propagate = False  # to log.txt alone

    def main(self, *words):
        """train.py's main() with these words: (status, what it printed)."""
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["train.py", *map(str, words)]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            status = train.main()
        return status, out.getvalue()

    def weights(self, folder):
        return encoders.load(folder).state_dict()


class Data(Case):
    def setUp(self):
        super().setUp()
        self.tokenizer = encoders.tokenizer_of(TINY / "bert-seq")

    def test_piece_labels_and_spans_are_inverse(self):
        r = random.Random(7)
        for _ in range(500):
            words = [r.choice(["shoe", "shoes", "12", "xyz", "running", "é"])
                     for _ in range(r.randrange(2, 9))]
            text = " ".join(words)
            cut = sorted(r.sample(range(len(words) + 1), 2))
            at = lambda i: len(" ".join(words[:i])) + (1 if 0 < i < len(words) else 0)
            product = [at(cut[0]), len(" ".join(words[:cut[1]]))]
            spans = {"product": product, "quantity": None}
            if cut[1] < len(words):
                spans["quantity"] = [at(cut[1]), len(" ".join(words[:cut[1] + 1]))]
            e = self.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
            labels = data.piece_labels(e["offset_mapping"], e["special_tokens_mask"], spans,
                                       encoders.TOKEN_LABELS)
            found = data.spans_of(labels, e["offset_mapping"], encoders.TOKEN_LABELS)
            self.assertEqual({k: v and list(v) for k, v in found.items()}, spans, text)

    def test_first_run_counts_and_a_stray_inside_label_starts_a_run(self):
        names = encoders.TOKEN_LABELS
        offsets = [(i, i + 1) for i in range(5)]
        find = lambda *labels: data.spans_of([names.index(l) for l in labels], offsets, names)
        self.assertEqual(find("O", "I-PRODUCT", "I-PRODUCT", "O", "B-PRODUCT")["product"], (1, 3))
        self.assertEqual(find("B-PRODUCT", "B-PRODUCT", "O", "O", "O")["product"], (0, 1))
        self.assertEqual(find("B-PRODUCT", "I-QUANTITY", "I-PRODUCT", "O", "O"),
                         {"product": (0, 1), "quantity": (1, 2)})
        self.assertEqual(find("O", "O", "O", "O", "B-QUANTITY"),
                         {"product": None, "quantity": (4, 5)})

    def test_a_span_inside_a_piece_takes_the_piece(self):
        labels = data.piece_labels([(0, 0), (0, 5), (5, 8), (0, 0)], [1, 0, 0, 1],
                                   {"product": [2, 6]}, encoders.TOKEN_LABELS)
        self.assertEqual(labels, [data.NO_LABEL, 1, 2, data.NO_LABEL])

    def rows(self, n=103, seed=3):
        r = random.Random(seed)
        return [data.Row([1] * r.randrange(3, 60), [0] * 3, np.zeros(4, np.float32))
                for _ in range(n)]

    def test_every_row_once_an_epoch_in_another_order(self):
        rows, seen = self.rows(), []
        for epoch in range(3):
            order = data.batches(rows, 8, np.random.default_rng([5, epoch]))
            self.assertEqual(sorted(i for b in order for i in b), list(range(len(rows))))
            self.assertEqual(order, data.batches(rows, 8, np.random.default_rng([5, epoch])))
            seen.append(str(order))
        self.assertEqual(len(set(seen)), 3)

    def test_bucketing_saves_padding(self):
        rows = self.rows(400)
        area = lambda order: sum(len(b) * max(len(rows[i].ids) for i in b) for b in order)
        true = sum(len(r.ids) for r in rows)
        bucketed = area(data.batches(rows, 8, np.random.default_rng(1)))
        plain = area([list(range(i, i + 8)) for i in range(0, 400, 8)])
        self.assertLess(bucketed, 1.15 * true)
        self.assertGreater(plain, 1.5 * true)

    def test_collate_pads_to_the_longest(self):
        rows = [data.Row([5, 6], [0, 1], np.eye(2, dtype=np.float32)[0], pieces=[1, 2]),
                data.Row([7, 8, 9], [0, 0, 1], np.eye(2, dtype=np.float32)[1], 2.0, pieces=[0, 0, 3])]
        b = data.collate(rows, 99, True)
        self.assertEqual(b["inputs"]["input_ids"].tolist(), [[5, 6, 99], [7, 8, 9]])
        self.assertEqual(b["inputs"]["attention_mask"].tolist(), [[1, 1, 0], [1, 1, 1]])
        self.assertEqual(b["inputs"]["token_type_ids"].tolist(), [[0, 1, 0], [0, 0, 1]])
        self.assertEqual(b["pieces"].tolist(), [[1, 2, data.NO_LABEL], [0, 0, 3]])
        self.assertEqual(b["weight"].tolist(), [1, 2])
        self.assertNotIn("token_type_ids", data.collate(rows, 99, False)["inputs"])

    def test_split_by_query_shares_no_query_and_ignores_order(self):
        rows = [data.Row([], [], None, meta={"query": f"q{i % 50}"}) for i in range(200)]
        rest, held = data.split_by_query(rows, .3)
        queries = lambda part: {r.meta["query"] for r in part}
        self.assertFalse(queries(rest) & queries(held))
        self.assertEqual(len(rest) + len(held), 200)
        self.assertTrue(5 <= len(queries(held)) <= 25)
        self.assertEqual(queries(data.split_by_query(rows[::-1], .3)[1]), queries(held))

    def test_bad_data_is_named(self):
        def refused(text, read, *words):
            path = self.dir / "bad"
            path.write_text(text)
            with self.assertRaises(data.BadData) as caught:
                read(path)
            for word in words:
                self.assertIn(word, str(caught.exception))
        pairs = lambda path: data.pairs(path, encoders.RELEVANCE_LABELS)
        refused("query\ttitle\tlabel\na\tb\tE\na\tb\tZ\n", pairs, ":3", "'Z'", "Exact")
        refused("query\tlabel\na\tE\n", pairs, ":2", "title")
        refused("query\ttitle\tlabel\n", pairs, "no rows")
        head = "query\ttitle\t" + "\t".join("p_" + l for l in encoders.RELEVANCE_LABELS) + "\n"
        refused(head + "a\tb\t.5\t.5\t.5\t0\n", pairs, ":2", "add up")
        refused(head + "a\tb\t.5\tx\t.5\t0\n", pairs, ":2", "teacher")
        intents = lambda path: data.intent_rows(path, encoders.ACTION_LABELS, encoders.TOKEN_LABELS,
                                                self.tokenizer, 40)
        refused("{\n", intents, ":1", "not an intent")
        refused('{"text": "add a", "action": "buy", "spans": {}}\n', intents, ":1", "'buy'")
        refused('{"text": "add a", "action": "add", "spans": {"product": [4, 9]}}\n', intents,
                "[4, 9]", "5 characters")

    def test_only_the_training_split_is_trained_on(self):
        path = self.dir / "a.tsv"
        path.write_text("query\ttitle\tlabel\tsplit\na\tb\tE\ttrain\nc\td\tS\ttest\n")
        read = lambda training: [r.meta["query"] for r in data.pair_rows(
            path, encoders.RELEVANCE_LABELS, self.tokenizer, 40, training=training)]
        self.assertEqual(read(True), ["a"])
        self.assertEqual(read(False), ["a", "c"])
        path.write_text("query\ttitle\tlabel\tsplit\nc\td\tS\ttest\n")
        with self.assertRaisesRegex(data.BadData, "split"):
            read(True)

    def test_word_piece_labels_of_a_file(self):
        path = self.dir / "a.jsonl"
        text = "with 12 dog food"
        path.write_text(json.dumps({"text": text, "action": "add",
                                    "spans": {"product": [8, 16], "quantity": [5, 7]}}))
        row, = data.intent_rows(path, encoders.ACTION_LABELS, encoders.TOKEN_LABELS,
                                self.tokenizer, 40)
        self.assertEqual([encoders.TOKEN_LABELS[l] if l >= 0 else "-" for l in row.pieces],
                         ["-", "O", "B-QUANTITY", "I-QUANTITY", "B-PRODUCT", "I-PRODUCT", "-"])


class Scores(Case):
    def test_vector_scaling_finds_prior_and_temperature(self):
        r = np.random.default_rng(2)
        labels = r.choice(4, 20000, p=[.65, .2, .05, .1])
        true = r.normal(size=(20000, 4)) + 2 * np.eye(4)[labels]
        # These are the log likelihoods but for a constant, so the best bias is the log prior.
        temperature, bias = scores.vector_scaling(true * 2 * 1.7, labels)
        prior = np.log([.65, .2, .05, .1])
        np.testing.assert_allclose(temperature, 1.7, rtol=.05)
        np.testing.assert_allclose(bias, prior - prior.mean(), atol=.15)

    def test_cross_fitted_scores_gain_nothing_from_noise(self):
        r = np.random.default_rng(3)
        labels = r.choice(4, 600, p=[.65, .2, .05, .1])
        accuracy, loss, f1 = scores.cross_fitted(r.normal(size=(600, 4)), labels)
        self.assertLess(abs(accuracy - .65), .03)
        self.assertLess(f1, .33)

    def test_macro_f1_is_scikit_learns(self):
        from sklearn.metrics import f1_score
        r = np.random.default_rng(4)
        for n in (1, 5, 300):
            found, labels = r.integers(0, 3, (2, n))
            self.assertAlmostEqual(scores.macro_f1(found, labels, 4),
                                   f1_score(labels, found, labels=range(4), average="macro",
                                            zero_division=0))

    def test_intent_counts(self):
        names = encoders.TOKEN_LABELS
        row = data.Row([0] * 4, [0] * 4, np.array([1, 0]), pieces=[-100, 1, 3, -100],
                       offsets=[(0, 0), (0, 2), (3, 5), (0, 0)],
                       meta={"text": "ab 12", "language": "hr", "noise": ["typo", "emoji"]})
        found, wrong = scores.intent([0, 1, 0], [[-100, 1, 3, -100]] * 2 + [[-100, 1, 4, -100]],
                                     [row] * 3, names)
        # I-QUANTITY alone still spans the same characters.
        self.assertEqual((found["exact"], found["action"], found["quantity"]), (2 / 3, 2 / 3, 1))
        self.assertEqual(found["noise"]["typo"], {"exact": 2 / 3, "n": 3})
        self.assertEqual([w["wrong"] for w in wrong], [["action"]])


class Training(Case):
    def options(self, start="bert-seq", **more):
        write_pairs(self.dir / "train.tsv", 64)
        write_pairs(self.dir / "dev.tsv", 24, seed=2)
        o = {"encoder": TINY / start, "train": self.dir / "train.tsv", "dev": self.dir / "dev.tsv",
             "max-tokens": 40, "batch": 8, "epochs": 2, "lr": "1e-3", "threads": 1,
             "patience": 9, **more}
        return [w for k, v in o.items() for w in ("--" + k, v)]

    def test_an_interrupted_run_ends_at_the_same_bits(self):
        rounding = ["--ema", ".8", "--fake-quant", "4", "--fake-quant-embeddings", "4",
                    "--fake-quant-from", ".5"]
        self.enterContext(mock.patch.object(fakequant, "REFRESH", 3))
        for start, more in (("bert-seq", ["--ema", ".8"]), ("distilbert-seq", []),
                            ("bert-seq", rounding)):
            with self.subTest(start):
                n = str(len(more)) + start
                a, b = self.dir / ("a" + n), self.dir / ("b" + n)
                o = self.options(start)
                self.assertEqual(self.main("relevance", *o, *more, "--out", a)[0], 0)
                for stop in ("5", "11"):
                    status, text = self.main("relevance", *o, *more, "--out", b, "--stop-after", stop)
                    self.assertEqual(status, 0)
                    self.assertIn(f"step {stop} of 16", text)
                self.assertEqual(self.main("relevance", *o, *more, "--out", b)[0], 0)
                wa, wb = self.weights(a / "model"), self.weights(b / "model")
                self.assertTrue(all(torch.equal(wa[k], wb[k]) for k in wa))
                cards = [json.loads((d / "card.json").read_text()) for d in (a, b)]
                self.assertEqual(cards[0]["scores"], cards[1]["scores"])
                self.assertEqual(cards[0]["model_sha256"], cards[1]["model_sha256"])
                # Dropout is on, so the comparison above holds only if the random state was kept.
                other = self.dir / ("c" + n)
                self.main("relevance", *o, *more, "--seed", "2", "--out", other)
                wc = self.weights(other / "model")
                self.assertFalse(all(torch.equal(wa[k], wc[k]) for k in wa))

    def test_a_checkpoint_of_other_settings_or_data_is_refused(self):
        out = self.dir / "run"
        self.main("relevance", *self.options(), "--out", out, "--stop-after", "2")
        with self.assertRaisesRegex(SystemExit, "another lr"):
            self.main("relevance", *self.options(lr="2e-3"), "--out", out)
        o = self.options()
        write_pairs(self.dir / "train.tsv", 64, seed=9)
        with self.assertRaisesRegex(SystemExit, "content of train.tsv"):
            self.main("relevance", *o, "--out", out)
        self.assertEqual(self.main("relevance", *o, "--out", out, "--restart")[0], 0)

    def test_early_stopping_and_the_best_model(self):
        out = self.dir / "run"
        # A learning rate of nothing: the score stays, so the first evaluation is the best.
        self.main("relevance", *self.options(lr="0", epochs=9, patience=2), "--out", out)
        card = json.loads((out / "card.json").read_text())
        self.assertEqual([h["step"] for h in card["history"]], [8, 16, 24])
        self.assertEqual(card["scores"]["macro_f1"], card["history"][0]["macro_f1"])
        self.assertIn("2 evaluations without a better macro_f1", (out / "log.txt").read_text())

    def test_runs_of_one_head_seed_begin_alike(self):
        heads = []
        for seed, head_seed in (1, 7), (2, 7), (1, 8):
            out = self.dir / f"run{seed}{head_seed}"
            more = {"lr": "0", "epochs": 1, "seed": seed, "head-seed": head_seed}
            self.main("relevance", *self.options("bert-bare", **more), "--out", out)
            heads.append(encoders.load(out / "model").classifier.weight)
        self.assertTrue(torch.equal(heads[0], heads[1]))
        self.assertFalse(torch.equal(heads[0], heads[2]))

    def test_card_names_data_settings_versions(self):
        out = self.dir / "run"
        self.main("relevance", *self.options(), "--out", out)
        card = json.loads((out / "card.json").read_text())
        self.assertEqual(card["data_sha256"]["train.tsv"], data.sha256(self.dir / "train.tsv"))
        self.assertEqual(card["settings"]["lr"], 1e-3)
        self.assertEqual(card["versions"]["torch"], torch.__version__)
        self.assertEqual(card["model_sha256"]["model.safetensors"],
                         data.sha256(out / "model" / "model.safetensors"))
        self.assertEqual(sum(map(sum, card["scores"]["confusion"])), 24)

    def test_relevance_is_learned(self):
        out = self.dir / "run"
        o = self.options(epochs=15, lr="3e-3", dropout="0")
        status, text = self.main("relevance", *o, "--out", out)
        self.assertEqual(status, 0)
        self.assertGreater(json.loads(text)["accuracy"], .7)
        status, text = self.main("evaluate", "--model", out / "model", "--data", self.dir / "dev.tsv",
                                 "--max-tokens", "40", "--logits", self.dir / "l.npy")
        self.assertEqual(json.loads(text)["accuracy"],
                         json.loads((out / "card.json").read_text())["scores"]["accuracy"])
        self.assertEqual(np.load(self.dir / "l.npy").shape, (24, 4))

    def test_intent_is_learned(self):
        write_intents(self.dir / "train.jsonl", 96)
        write_intents(self.dir / "dev.jsonl", 24, seed=2)
        for start in ("bert-seq", "distilbert-seq"):
            with self.subTest(start):
                out = self.dir / start
                status, text = self.main(
                    "intent", "--encoder", TINY / start, "--train", self.dir / "train.jsonl", "--dev",
                    self.dir / "dev.jsonl", "--out", out, "--max-tokens", 40, "--batch", 8,
                    "--epochs", 25, "--lr", "4e-3", "--dropout", 0, "--threads", 1,
                    "--patience", 9, "--evaluate-every", 5)
                self.assertEqual(status, 0)
                self.assertGreater(json.loads(text)["exact"], .8)
                config = json.loads((out / "model" / "config.json").read_text())
                self.assertIn("SequenceAndTokenClassification", config["architectures"][0])
                self.assertEqual(config["classifier_head"], "linear")
                self.assertEqual(config["id2label"], {"0": "add", "1": "remove"})
                self.assertEqual(config["token_id2label"]["1"], "B-PRODUCT")
                names = set(self.weights(out / "model"))
                self.assertTrue({"classifier.weight", "classifier.bias", "token_classifier.weight",
                                 "token_classifier.bias"} <= names)
                self.assertFalse([n for n in names if "pooler" in n])

    def run_tool(self, name, *args):
        done = subprocess.run([sys.executable, ROOT / "tools/train" / name, *map(str, args)],
                              capture_output=True, text=True)
        return done.returncode, done.stderr

    def test_average_of_weights(self):
        one, two, out = self.dir / "one", self.dir / "two", self.dir / "mean"
        for folder, seed in ((one, 1), (two, 2)):
            torch.manual_seed(seed)
            model = encoders.sequence_model(TINY / "bert-bare", encoders.RELEVANCE_LABELS)
            encoders.save(model, encoders.tokenizer_of(TINY / "bert-bare"), folder)
        self.assertEqual(self.run_tool("average.py", f"{one}=.25", f"{two}=.75", "--out", out), (0, ""))
        a, b, mean = (encoders.load(f).state_dict() for f in (one, two, out))
        self.assertFalse(torch.equal(a["classifier.weight"], b["classifier.weight"]))
        for k in mean:
            self.assertTrue(torch.allclose(mean[k].float(), .25 * a[k].float() + .75 * b[k].float()), k)
        for models, message in (((f"{one}=.5", f"{two}=.6"), "add up"),
                                ((f"{one}=.5", f"{self.dir / 'none'}=.5"), "none"),
                                ((f"{one}=.5", f"{TINY / 'distilbert-seq'}=.5"), "other tensors")):
            status, text = self.run_tool("average.py", *models, "--out", self.dir / "bad")
            self.assertEqual(status, 2)
            self.assertIn(message, text)
            self.assertFalse((self.dir / "bad").exists())

    def test_sets_hold_queries_out(self):
        labelled, synthetic, out = self.dir / "l.tsv", self.dir / "s.tsv", self.dir / "sets"
        with open(labelled, "w") as f:
            f.write("query\ttitle\tlabel\tsource\n")
            for i in range(300):
                f.write(f"q {i % 100}\tt {i}\tE\t{'shop' if i < 200 else 'other'}\n")
        with open(synthetic, "w") as f:
            f.write("query\ttitle\tlabel\n" + "".join(f"s {i % 40}\tt\tS\n" for i in range(80)))
        options = ["--labelled", labelled, "--synthetic", synthetic, "--out", out]
        self.assertEqual(self.run_tool("relevance_sets.py", *options, "--natural", "shop"), (0, ""))
        nat, cal, oth, synth = (data.read_tsv(out / f"{n}.tsv") for n in ("nat", "cal", "oth", "synth"))
        self.assertEqual(len(nat) + len(cal), 200)
        self.assertTrue(20 < len(cal) < 70)
        held = {r["query"] for r in cal}
        self.assertFalse(held & {r["query"] for r in nat + oth})
        self.assertEqual(len(synth), 40)
        pairs, own = self.dir / "cosine.tsv", self.dir / "own.tsv"
        cal_query, test_query = sorted(held)[0], sorted({r["query"] for r in nat})[0]
        pairs.write_text(f"query\ttitle\tcosine\nnew\tt 0\t.5\nnew\tt 0\t.5\n{cal_query}\tx\t.1\n")
        own.write_text(f"query\ttitle\tlabel\tsplit\nmine\tt\tE\ttrain\n{test_query.upper()}\tt\tE\ttest\n")
        self.assertEqual(self.run_tool("relevance_sets.py", *options, "--natural", "shop", "--pairs", pairs,
                                       "--own", own), (0, ""))
        pool = [(r["query"], r["title"]) for r in data.read_tsv(out / "pool.tsv")]
        self.assertEqual(len(pool), len(set(pool)))
        wanted = {(r["query"], r["title"]) for r in nat + oth + synth if r["query"] != test_query}
        self.assertEqual(set(pool), wanted | {("new", "t 0"), ("mine", "t")})
        labelled.write_text("query\ttitle\n")
        status, text = self.run_tool("relevance_sets.py", *options)
        self.assertEqual(status, 2)
        self.assertIn("l.tsv", text)

    def test_similarity_then_relevance_keeps_the_encoder(self):
        path = self.dir / "cosine.tsv"
        with open(path, "w") as f:
            f.write("query\ttitle\tcosine\n")
            for i in range(96):  # the title alone tells
                b = PRODUCTS[i % 6]
                f.write(f"dog {i % 48}\t{b}\t{i % 6 / 10}\n")
        out = self.dir / "sim"
        status, text = self.main("similarity", "--encoder", TINY / "bert-seq", "--train", path, "--out",
                                 out, "--max-tokens", 40, "--batch", 8, "--epochs", 12, "--lr", "3e-3",
                                 "--hold-out", ".2", "--patience", 20, "--threads", 1, "--dropout", 0)
        self.assertEqual(status, 0)
        self.assertGreater(json.loads(text)["correlation"], .5)
        first = self.weights(out / "model")
        second = encoders.sequence_model(out / "model", encoders.RELEVANCE_LABELS).state_dict()
        for k in first:
            if k.startswith("bert.encoder"):
                self.assertTrue(torch.equal(first[k], second[k]), k)
        self.assertEqual(second["classifier.weight"].shape[0], 4)

    def test_a_teacher_is_followed(self):
        o = self.options()
        self.main("relevance", *o, "--out", self.dir / "t")
        soft = self.dir / "soft.tsv"
        with mock.patch.object(sys, "argv", [
                "teach.py", "probabilities", "--teacher", str(self.dir / "t/model"),
                str(self.dir / "t/model"), "--pairs", str(self.dir / "dev.tsv"), "--out", str(soft),
                "--max-tokens", "40"]), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(teach.main(), 0)
        self.main("evaluate", "--model", self.dir / "t/model", "--data", self.dir / "dev.tsv",
                  "--max-tokens", "40", "--logits", self.dir / "l.npy")
        given = np.stack([p[2] for p in data.pairs(soft, encoders.RELEVANCE_LABELS)])
        np.testing.assert_allclose(given, scores.softmax(np.load(self.dir / "l.npy")), atol=1e-4)
        self.assertEqual(self.main("relevance", *o, "--out", self.dir / "s", "--restart")[0], 0)

    def test_two_processes_learn_what_one_does(self):
        """Without dropout, halves of equal batches give the same gradients but for rounding."""
        o = self.options(dropout=0, lr="1e-3", epochs=1)
        self.main("relevance", *o, "--out", self.dir / "one", "--prior-power", 0)
        done = subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
             str(pathlib.Path(train.__file__)), "relevance", *map(str, o), "--out",
             str(self.dir / "two"), "--prior-power", "0"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        one, two = self.weights(self.dir / "one/model"), self.weights(self.dir / "two/model")
        for k in one:
            # A key's bias adds the same to all scores: its gradient is rounding, which Adam enlarges.
            if "key.bias" not in k:
                np.testing.assert_allclose(one[k], two[k], atol=1e-3, err_msg=k)

    def test_loss_by_hand(self):
        config = encoders.load(TINY / "bert-seq").config
        tokenizer = encoders.tokenizer_of(TINY / "bert-seq")
        task = tasks.Relevance(tokenizer, config, list("abc"), .1, [1., 2., 4.], "macro_f1")
        logits = torch.tensor([[1., 2., 0.], [0., 0., 3.]])
        target = torch.tensor([[1., 0., 0.], [0., .5, .5]])
        got = task.loss(argparse.Namespace(logits=logits),
                        {"target": target, "weight": torch.tensor([1., .5])})
        logp = np.log(scores.softmax(logits.numpy()))
        smooth = target.numpy() * .9 + .1 / 3
        each, weight = -(smooth * logp).sum(1), np.array([1 * 1, .5 * 3])
        self.assertAlmostEqual(got.item(), (each * weight).sum() / weight.sum(), places=5)

    def test_class_weights_give_the_prior(self):
        rows = [data.Row([], [], np.eye(4)[c]) for c in [0] * 4 + [1] * 3 + [2] * 2 + [3]]
        w = np.array(train.class_weights(rows, [.7, .1, .1, .1], 1.0))
        share = w * [.4, .3, .2, .1]
        np.testing.assert_allclose(share / share.sum(), [.7, .1, .1, .1])
        np.testing.assert_allclose(train.class_weights(rows, [.7, .1, .1, .1], 0.0), 1)
        with self.assertRaises(SystemExit):
            train.class_weights(rows[:4], [.7, .1, .1, .1], .5)

    def test_every_parameter_has_one_learning_rate(self):
        for start in ("bert-seq", "distilbert-seq"):
            model = encoders.sequence_model(TINY / start, list("abcd"))
            args = argparse.Namespace(lr=1.0, head_lr=None, layer_decay=.5, weight_decay=.1)
            groups = trainer.parameter_groups(model, args)
            lr = {id(p): g["lr"] for g in groups for p in g["params"]}
            self.assertEqual(sum(len(g["params"]) for g in groups), len(list(model.parameters())))
            n = model.config.num_hidden_layers
            for name, p in model.named_parameters():
                if ".layer." in name:
                    layer = int(name.split(".layer.")[1].split(".")[0])
                    self.assertEqual(lr[id(p)], .5 ** (n - 1 - layer), name)
                elif ".embeddings." in name:
                    self.assertEqual(lr[id(p)], .5 ** n, name)
                elif name.startswith(("classifier", "pre_classifier")):
                    self.assertEqual(lr[id(p)], 10, name)


class FakeQuant(Case):
    def test_weights_on_a_grid_stay_and_others_move_at_most_half_a_step(self):
        torch.manual_seed(1)
        for bits in range(3, 9):
            top = 2 ** (bits - 1)
            q = torch.randint(-top, top, (6, 64)).float()
            q[:, ::32] = -top  # the end that has one integer more is there, on either side
            w = (q.view(12, 32) * torch.linspace(-.03, .04, 12)[:, None]).view(6, 64)
            scale = fakequant.search(w, bits, 32)
            self.assertEqual(scale.shape, (6, 2, 1))
            torch.testing.assert_close(fakequant.StraightThrough.apply(w, scale, bits, 32), w)
            w = torch.randn(6, 64)
            scale = fakequant.search(w, bits, 0)
            found = fakequant.StraightThrough.apply(w, scale, bits, 0)
            steps = (found[:, None] / scale)
            self.assertLess((steps - steps.round()).abs().max(), 1e-3)
            self.assertTrue(steps.min() >= -top - .01 and steps.max() <= top - .99)
            covered = (w.abs() <= scale[:, 0].abs() * (top - 1))
            step = scale[:, 0].abs().expand_as(w)
            self.assertTrue(((found - w).abs() <= .5001 * step)[covered].all())
            if bits < 5:  # better than the scale that covers everything
                cover = w.abs().amax(1, keepdim=True)[:, None] / (top - 1)
                plain = fakequant.StraightThrough.apply(w, cover, bits, 0)
                self.assertLess((found - w).square().sum(), .9 * (plain - w).square().sum())
            # A last group that is shorter.
            torch.testing.assert_close(fakequant.StraightThrough.apply(
                w[:, :48], fakequant.search(w[:, :48], bits, 32), bits, 32)[:, :32],
                fakequant.StraightThrough.apply(
                    w[:, :32], fakequant.search(w[:, :32], bits, 32), bits, 32))
        torch.testing.assert_close(fakequant.StraightThrough.apply(
            torch.zeros(2, 32), fakequant.search(torch.zeros(2, 32), 4, 32), 4, 32), torch.zeros(2, 32))

    def test_the_gradient_goes_straight_through(self):
        w = torch.randn(4, 64, requires_grad=True)
        factor = torch.randn(4, 64)
        (fakequant.StraightThrough.apply(w, fakequant.search(w, 3, 32), 3, 32) * factor).sum().backward()
        torch.testing.assert_close(w.grad, factor)

    def test_what_is_rounded(self):
        for start in ("bert-seq", "distilbert-seq"):
            model = encoders.sequence_model(TINY / start, encoders.RELEVANCE_LABELS).eval()
            before = {k: v.clone() for k, v in model.state_dict().items()}
            ids = torch.arange(5, 25)[None]
            plain = model(input_ids=ids).logits
            fakequant.prepare(model, "3", "3")
            torch.testing.assert_close(model(input_ids=ids).logits, plain)  # not yet
            fakequant.refresh(model)
            self.assertGreater((model(input_ids=ids).logits - plain).abs().max(), 1e-4)
            found = set(fakequant.layers(model))
            self.assertFalse([n for n in found if n == "classifier"])
            # query, key, value, output, two of the feed-forward; the embeddings; the pooler
            self.assertEqual(len(found), 6 * model.config.num_hidden_layers + 2)
            after = model.state_dict()
            self.assertEqual(before.keys(), after.keys())
            self.assertTrue(all(torch.equal(before[k], after[k]) for k in before))

    def test_bad_bits_are_refused(self):
        for text, why in (("2", "3 to 8 bits"), ("4:20", "multiple of 32"), ("x", "3 to 8 bits")):
            with self.assertRaisesRegex(SystemExit, why):
                fakequant.parse(text, fakequant.GROUPS)

    def loss(self, folder, file, rounded):
        """Of the trained folder, with or without rounding to 3 bits."""
        model, tokenizer = encoders.load(folder).eval(), encoders.tokenizer_of(folder)
        if rounded:
            fakequant.prepare(model, "3", "3")
            fakequant.refresh(model)
        rows = data.intent_rows(file, encoders.ACTION_LABELS, encoders.TOKEN_LABELS, tokenizer, 40)
        task = tasks.Intent(tokenizer, model.config, encoders.ACTION_LABELS, encoders.TOKEN_LABELS, 0)
        batch = data.collate(rows, task.pad_id, task.token_types)
        with torch.no_grad():
            return task.loss(model(**batch["inputs"]), batch).item()

    def test_training_for_three_bits_is_better_at_three_bits(self):
        train, dev = self.dir / "train.jsonl", self.dir / "dev.jsonl"
        write_intents(train, 96)
        write_intents(dev, 48, seed=2)
        common = ["--train", train, "--dev", dev, "--max-tokens", "40", "--batch", "8", "--threads",
                  "1", "--patience", "99", "--dropout", "0", "--label-smoothing", "0",
                  "--evaluate-every", "5"]
        self.main("intent", "--encoder", TINY / "bert-seq", *common, "--epochs", "10", "--lr", "4e-3",
                  "--out", self.dir / "first")
        first = self.dir / "first" / "model"
        rest = ["--encoder", first, *common, "--epochs", "5"]
        rounding = ["--fake-quant", "3", "--fake-quant-embeddings", "3"]
        # A run that starts at a trained folder keeps its heads.
        self.main("intent", *rest, "--lr", "0", "--out", self.dir / "same")
        a, b = self.weights(first), self.weights(self.dir / "same" / "model")
        self.assertTrue(all(torch.equal(a[k], b[k]) for k in a))
        self.main("intent", *rest, "--lr", "1e-3", "--out", self.dir / "plain")
        self.main("intent", *rest, "--lr", "1e-3", *rounding, "--out", self.dir / "rounding")
        plain, rounding = self.dir / "plain" / "model", self.dir / "rounding" / "model"
        self.assertGreater(self.loss(plain, train, True), self.loss(plain, train, False))
        self.assertLess(self.loss(rounding, train, True), .9 * self.loss(plain, train, True))

    def test_the_best_before_the_rounding_does_not_count(self):
        write_intents(self.dir / "train.jsonl", 32)
        out = self.dir / "run"
        # A learning rate of nothing: no score is better than the first.
        self.main("intent", "--encoder", TINY / "bert-seq", "--train", self.dir / "train.jsonl",
                  "--dev", self.dir / "train.jsonl", "--max-tokens", "40", "--batch", "8", "--threads",
                  "1", "--patience", "99", "--epochs", "4", "--lr", "0", "--fake-quant", "3",
                  "--fake-quant-from", "2", "--out", out)
        best = ["(best)" in line for line in (out / "log.txt").read_text().splitlines()
                if " epoch " in line]
        self.assertEqual(best, [True, True, False, False])


class Starts(Case):
    def test_tensorflow_table(self):
        """Against a table written here: prefix-compressed keys, two blocks, shapes, offsets."""
        def number(n):
            out = b""
            while n > 127:
                out, n = out + bytes([n & 127 | 128]), n >> 7
            return out + bytes([n])

        def field(tag, value):
            if isinstance(value, int):
                return number(tag << 3) + number(value)
            return number(tag << 3 | 2) + number(len(value)) + value

        def block(pairs):
            out, before = b"", b""
            for key, value in pairs:
                shared = len(os.path.commonprefix([before, key]))
                out += number(shared) + number(len(key) - shared) + number(len(value))
                out += key[shared:] + value
                before = key
            return out + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
        arrays = {b"m/kernel": np.arange(600, dtype="<f4").reshape(20, 30),
                  b"m/kernel2": np.array([5, 6], "<f4"), b"n/bias": np.array([7], "<f4")}
        entries, body = [(b"", b"\x08\x01")], b""
        for key, a in arrays.items():
            shape = b"".join(field(2, field(1, d)) for d in a.shape)
            entries.append((key, field(1, 1) + field(2, shape) + field(4, len(body))
                            + field(5, a.nbytes)))
            body += a.tobytes()
        file, handles = b"", []
        for part in (entries[:3], entries[3:]):
            b = block(part)
            handles.append((part[-1][0], number(len(file)) + number(len(b))))
            file += b + b"\0" * 5
        index = block(handles)
        footer = (number(0) * 2 + number(len(file)) + number(len(index))).ljust(48, b"\0")
        (self.dir / "v.index").write_bytes(file + index + b"\0" * 5 + footer)
        (self.dir / "v.data-00000-of-00001").write_bytes(body)
        found = starts.read_variables(str(self.dir / "v"))
        self.assertEqual(set(found), {k.decode() for k in arrays})
        for k, a in arrays.items():
            np.testing.assert_array_equal(found[k.decode()], a)


@unittest.skipUnless(RELEVANCE.exists(), f"{RELEVANCE} is not built")
class InC(Case):
    def test_the_exported_folder_says_the_same_in_c(self):
        write_pairs(self.dir / "train.tsv", 64)
        write_pairs(self.dir / "dev.tsv", 24, seed=2)
        for start in ("bert-seq", "distilbert-seq"):
            with self.subTest(start):
                out = self.dir / start
                self.main("relevance", "--encoder", TINY / start, "--train", self.dir / "train.tsv",
                          "--dev", self.dir / "dev.tsv", "--out", out, "--max-tokens", 40,
                          "--epochs", 3, "--lr", "3e-3", "--batch", 8, "--threads", 1)
                self.main("evaluate", "--model", out / "model", "--data", self.dir / "dev.tsv",
                          "--max-tokens", 40, "--logits", self.dir / "l.npy")
                model = self.dir / "m.rlv"
                subprocess.run([RELEVANCE, "convert", out / "model", model, "--weights", "f32"],
                               check=True, capture_output=True)
                done = subprocess.run([RELEVANCE, "classify", "--model", model, "--json",
                                       self.dir / "dev.tsv"], check=True, capture_output=True)
                got = [list(json.loads(line)["probs"].values())
                       for line in done.stdout.decode().splitlines()]
                np.testing.assert_allclose(got, scores.softmax(np.load(self.dir / "l.npy")),
                                           atol=2e-4)


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
