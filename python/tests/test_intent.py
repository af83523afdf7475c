# SPDX-License-Identifier: Apache-2.0
"""Token labels, spans, shopping intents and catalogues.

The model intent-rule labels words by a list (tools/gen_golden.py), so its answers are known.
"""
import doctest
import json
import pickle
import subprocess
import threading
import unittest

import numpy as np

import relevance
from relevance import Catalog, Relevance, _command, _intent

from .support import golden, scratch, tiny

SHOP = {"Lip Balm": ["balzam za usne", "b\u00e1lsamo labial"], "Soap": ["sapun"], "Socks": []}


class Intents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Relevance(tiny("intent-rule", "f32"))
        cls.shop = Catalog(SHOP)

    def test_extract(self):
        text = "Makni 12 balzama za usne, hvala!"
        i = self.model.extract(text, self.shop)
        self.assertEqual((i.action, i.product, i.quantity), ("remove", "Lip Balm", 12))
        self.assertEqual((i.product_text, i.product_span), ("balzama za usne", (9, 24)))
        self.assertEqual((i.quantity_kind, i.quantity_text, i.quantity_span), ("stated", "12", (6, 8)))
        self.assertEqual((i.products, i.truncated), (1, 0))
        self.assertEqual((i.match.alias, i.match.distance, i.match.product), ("balzam za usne", 1, 0))
        for p in (i.action_confidence, i.product_confidence, i.quantity_confidence, i.match.score):
            self.assertGreater(p, 0)
            self.assertLessEqual(p, 1)
        without = self.model.extract(text)
        self.assertEqual((without.product, without.match), ("balzama za usne", None))
        nothing = self.model.extract("hello", self.shop)
        self.assertEqual((nothing.product, nothing.product_span, nothing.quantity,
                          nothing.quantity_kind, nothing.quantity_span),
                         (None, None, 1, "absent", None))
        self.assertEqual(self.model.extract("add -2 soap").quantity_kind, "out_of_range")
        self.assertGreater(self.model.extract("soap " * 100).truncated, 0)

    def test_offsets_are_those_of_the_text_given(self):
        text = "\u4e2d\U0001f600 add 3 b\u00e1lsamo labial"
        i = self.model.extract(text, self.shop)
        self.assertEqual(i.product, "Lip Balm")
        self.assertEqual(i.product_text, "b\u00e1lsamo labial")
        self.assertEqual(text[slice(*i.product_span)], i.product_text)
        self.assertEqual(text[slice(*i.quantity_span)], "3")
        data = text.encode()
        b = self.model.extract(data, self.shop)
        self.assertEqual(data[slice(*b.product_span)].decode(), i.product_text)
        self.assertEqual((b.product, b.quantity), (i.product, i.quantity))
        self.assertEqual(self.model.extract(data).product, i.product_text)
        for span in self.model.find_spans(text):
            self.assertEqual(text[span.begin:span.end], span.text)

    def test_batch(self):
        texts = ["add %d %s" % (n % 40, p) for n in range(600) for p in ("soap", "\u00e9 socks")]
        texts += ["", "hello", "\ud800 soap"]
        got = self.model.extract_batch(texts, self.shop)
        self.assertEqual(len(got), 1203)  # two chunks
        self.assertEqual(got, [self.model.extract(t, self.shop) for t in texts])
        self.assertEqual(self.model.extract_batch(np.array(texts[:9]), self.shop), got[:9])
        self.assertEqual(self.model.extract_batch([]), [])
        with self.assertRaisesRegex(TypeError, r"texts\[1100\] is int"):
            self.model.extract_batch(["soap"] * 1100 + [3])
        with self.assertRaisesRegex(TypeError, "texts is one text"):
            self.model.extract_batch("soap")

    def test_as_the_command_line(self):
        path = scratch() / "shop.tsv"
        path.write_text("".join("%s\t%s\n" % (n, "|".join(a)) if a else n + "\n"
                                for n, a in SHOP.items()), "utf-8")
        text = "remove two sapun and 3 socks"
        out = subprocess.run([str(_command.program()), "extract", "--json", "--catalog", str(path),
                              "--model", str(self.model.path), text], stdout=subprocess.PIPE,
                             check=True, universal_newlines=True).stdout
        want = json.loads(out)
        i = self.model.extract(text, Catalog(path))
        self.assertEqual((i.action, i.product, i.quantity, i.products),
                         (want["action"], want["product"], want["quantity"], want["products"]))
        self.assertEqual(list(i.product_span), want["product_span"])

    def test_no_head(self):
        for name in ("distilbert-seq", "bert-bare"):
            with self.assertRaises(relevance.HeadError):
                Relevance(tiny(name)).extract("soap")
        for call in ("label_tokens", "find_spans"):
            with self.assertRaises(relevance.HeadError):
                getattr(Relevance(tiny()), call)("soap")

    def test_threads_share_a_catalogue(self):
        texts = ["add %d soap" % n for n in range(100)]
        want = self.model.extract_batch(texts, self.shop)
        bad = []

        def work():
            if [self.model.extract(t, self.shop) for t in texts] != want:
                bad.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(bad, [])


class Tokens(unittest.TestCase):
    def test_against_transformers(self):
        n = 0
        for name in ("distilbert-token", "bert-token", "distilbert-both", "bert-both"):
            model = Relevance(tiny(name, "f32"))
            for case in golden(name):
                if case.get("product", "") is not None or "token_logits" not in case:
                    continue
                n += 1
                got = model.label_tokens(case["query"])
                self.assertEqual([t.id for t in got], case["ids"][1:-1])
                z = np.array(case["token_logits"])[1:-1]
                p = np.exp(z - z.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                self.assertEqual([t.label for t in got],
                                 [model.token_labels[i] for i in z.argmax(axis=1)])
                np.testing.assert_allclose([t.probability for t in got], p.max(axis=1), atol=1e-4)
        self.assertGreater(n, 0)

    def test_text(self):
        model = Relevance(tiny("intent-rule", "f32"))
        text = "\u00e9 add 12 balzama za usne"
        for t in model.label_tokens(text):
            self.assertEqual(text[t.begin:t.end], t.text)
            self.assertIn(t.label, model.token_labels)
        spans = model.find_spans(text)
        self.assertEqual([(s.name, s.text, s.words) for s in spans],
                         [("QUANTITY", "12", 1), ("PRODUCT", "balzama za usne", 3)])


class Catalogues(unittest.TestCase):
    def test_sources(self):
        shop = Catalog(SHOP)
        self.assertEqual(list(shop), list(SHOP))
        self.assertEqual((len(shop), shop[1]), (3, "Soap"))
        self.assertEqual(shop.match("BALSAMO labial!").name, "Lip Balm")
        self.assertIsNone(shop.match("bicycle"))
        self.assertEqual(list(Catalog(["a b", "c d"])), ["a b", "c d"])
        self.assertEqual(shop.match("sapunn"), pickle.loads(pickle.dumps(shop)).match("sapunn"))
        for wrong in (-1, 3):
            with self.assertRaises(IndexError):
                shop[wrong]

    def test_wrong(self):
        path = scratch() / "double.tsv"
        path.write_text("Soap\nsoap\n")
        with self.assertRaisesRegex(relevance.CatalogError, "line 2"):
            Catalog(path)
        with self.assertRaises(relevance.FileError):
            Catalog(scratch() / "none.tsv")
        for names, kind in ((["a\tb"], ValueError), ([""], ValueError), (["a|b"], ValueError),
                            ([3], TypeError), ({"a": "b"}, TypeError)):
            with self.assertRaises(kind):
                Catalog(names)

    def test_examples_in_docstrings(self):
        result = doctest.testmod(_intent)
        self.assertGreater(result.attempted, 0)
        self.assertEqual(result.failed, 0)


if __name__ == "__main__":
    unittest.main()
