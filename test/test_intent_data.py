#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/synth/intent.py, intent_hard.py and check_intent.py: standard library alone.

    python3 test/test_intent_data.py
"""
import contextlib
import copy
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SYNTH = os.path.join(ROOT, "tools", "synth")
sys.path.insert(0, SYNTH)
sys.dont_write_bytecode = True

import check_intent  # noqa: E402
import intent  # noqa: E402
import intent_hard  # noqa: E402
from intent_parts import catalogue, noise, phrases, quantities  # noqa: E402
from intent_parts.rng import Rng  # noqa: E402

PRODUCTS = catalogue.read_products()
BY_NAME = {product.name: product for product in PRODUCTS}


def text_of(pieces):
    return "".join(text for text, _ in pieces)


def counted(name, language, value, style="digits", case="acc", alias=0):
    product = BY_NAME[name]
    pieces, _ = phrases.counted(Rng(7), product, product.aliases[language][alias], language, case,
                                value, style)
    return text_of(pieces)


class Agreement(unittest.TestCase):
    def test_croatian(self):
        for value, text in [(1, "1 krema za ruke"), (2, "2 kreme za ruke"), (4, "4 kreme za ruke"),
                            (5, "5 krema za ruke"), (11, "11 krema za ruke"),
                            (12, "12 krema za ruke"), (21, "21 krema za ruke"),
                            (22, "22 kreme za ruke"), (100, "100 krema za ruke")]:
            self.assertEqual(counted("Hand Cream", "hr", value, case="nom"), text)
        self.assertEqual(counted("Hand Cream", "hr", 21), "21 kremu za ruke")
        self.assertEqual(counted("Hand Cream", "hr", 1, "words"), "jednu kremu za ruke")
        self.assertEqual(counted("Hand Cream", "hr", 2, "words"), "dvije kreme za ruke")
        self.assertEqual(counted("Lip Balm", "hr", 12), "12 balzama za usne")
        self.assertEqual(counted("Green Tea", "hr", 3), "3 zelena čaja")
        self.assertEqual(counted("Green Tea", "hr", 3, case="gen"), "3 zelenog čaja")
        self.assertEqual(counted("Green Tea", "hr", 5), "5 zelenih čajeva")
        self.assertEqual(counted("Trousers", "hr", 2, "words"), "dvoje hlače")
        self.assertEqual(counted("Trousers", "hr", 7, "words"), "sedam hlača")
        self.assertIn(counted("Hand Cream", "hr", 22, "words"),
                      ("dvadeset dvije kreme za ruke", "dvadeset i dvije kreme za ruke"))
        self.assertEqual(counted("Socks", "hr", 12, "pair").split(" ", 1)[1], "pari čarapa")

    def test_spanish(self):
        self.assertEqual(counted("Hand Cream", "es", 1, "words"), "una crema de manos")
        self.assertEqual(counted("Lip Balm", "es", 21, "words"), "veintiún bálsamos labiales")
        self.assertEqual(counted("Hand Cream", "es", 31, "words"), "treinta y una cremas de manos")
        self.assertEqual(counted("Socks", "es", 3, "pair").split(" ", 1)[1], "pares de calcetines")
        self.assertIn(counted("Jeans", "es", 1, "words"),
                      ("un par de vaqueros", "1 par de vaqueros", "par de vaqueros"))
        self.assertEqual(counted("Scissors", "es", 31, "words"), "treinta y una tijeras")

    def test_english(self):
        self.assertEqual(counted("Lip Balm", "en", 1, "words"), "one lip balm")
        self.assertEqual(counted("Olive Oil", "en", 3, "unit"), "3 bottles of olive oil")
        self.assertEqual(counted("Lemon", "en", 3, "unit"), "3 bags of lemons")
        self.assertIn("pair of scissors", counted("Scissors", "en", 1, "words"))
        self.assertEqual(phrases.en_article("USB-C cable"), "a")
        self.assertEqual(phrases.en_article("umbrella"), "an")


class Quantities(unittest.TestCase):
    def test_values(self):
        values = check_intent.quantity_values()
        for expression, value in [("a dozen", 12), ("half a dozen", 6), ("tucet", 12),
                                  ("una docena", 12), ("media docena", 6), ("pola tuceta", 6), ("3 pairs", 3), ("par", 1),
                                  ("a couple", 2), ("twenty-one", 21), ("dvadeset i dvije", 22),
                                  ("treinta y una", 31), ("sesnaest", 16), ("veintidos", 22),
                                  ("a hundred", 100), ("stotinu", 100), ("cien", 100), ("dvoje", 2)]:
            self.assertEqual(values[expression], value, expression)
        for expression, value in [("12", 12), ("12x", 12), ("x 12", 12), ("×3", 3), ("3 kom.", 3),
                                  ("10komada", 10), ("4 UDS", 4)]:
            self.assertEqual(check_intent.read_quantity(expression, values), value, expression)
        for expression in ("", "x", "12 ml", "several", "2-pack", "kom", "1.5"):
            self.assertIsNone(check_intent.read_quantity(expression, values), expression)

    def test_one_value_each(self):
        seen = {}
        for (expression, _), value in quantities.table().items():
            self.assertEqual(seen.setdefault(expression, value), value, expression)
        self.assertGreaterEqual(len(seen), 200)


class Noise(unittest.TestCase):
    def test_quantity_keeps_its_letters(self):
        rng = Rng("noise")
        for _ in range(300):
            pieces = [["please add ", "O"], ["seventeen", "Q"], [" ", "O"], ["toothbrushes", "P"]]
            noise.add_typos(rng, pieces, 3)
            self.assertEqual(pieces[1], ["seventeen", "Q"])
            self.assertEqual(pieces[3][0][0], "t")

    def test_typo_changes_one_place(self):
        rng = Rng("typo")
        made = {noise.typo(rng, "shampoo") for _ in range(300)} - {None}
        self.assertGreater(len(made), 20)
        for word in made:
            self.assertLessEqual(check_intent.distance(word, "shampoo"), 2)
        self.assertIsNone(noise.typo(rng, "abc"))
        self.assertIsNone(noise.typo(rng, "ab12"))

    def test_diacritics(self):
        self.assertEqual(quantities.plain("Đuro čćžš ñandú ×"), "Duro cczs nandu ×")


class Files(unittest.TestCase):
    def run_tool(self, seed, count, hash_seed):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-B", os.path.join(SYNTH, "intent.py"), "--n", str(count),
                       "--seed", str(seed), "--out", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "PYTHONHASHSEED": hash_seed})
            out = []
            for name in ("train.jsonl", "test.jsonl"):
                with open(os.path.join(folder, name), "rb") as file:
                    out.append(file.read())
            return out

    def test_same_seed_same_bytes(self):
        first = self.run_tool(5, 300, "1")
        self.assertEqual(first, self.run_tool(5, 300, "2"))
        self.assertNotEqual(first, self.run_tool(6, 300, "1"))
        train, test = ([json.loads(line) for line in part.decode().splitlines()] for part in first)
        self.assertEqual((len(train), len(test)), (270, 30))
        self.assertEqual([row["language"] for row in test].count("hr"), 10)

    def test_usage(self):
        with contextlib.redirect_stderr(io.StringIO()) as err:
            with self.assertRaises(SystemExit) as stop:
                intent.main(["--n", "100"])
        self.assertEqual(stop.exception.code, 2)
        self.assertIn("--out", err.getvalue())

    def test_bad_product_file(self):
        head = "name\ten\thr\tes\tunits\tdetail\n"
        for line, what in [("A\ta/as\tx:a/a/a\tm:a/as\t\t\n", "line 2: no gender"),
                           ("A\ta/as\tf:a/a/a\tm:a/as\t\t\n", "line 2: 4 forms"),
                           ("A\ta\tp:a/a\tm:a/as\t\t\n", "line 2: 2 forms"), ("A\tb\n", "line 2")]:
            with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
                file.write(head + line)
                file.flush()
                with self.assertRaisesRegex(ValueError, what):
                    catalogue.read_products(file.name)

    def test_bad_hard_line(self):
        for line in ("+|A|1||no product", "*|A|1||a [b]", "+|A|1|[b]", "+|A|two||{two} [b]",
                     "+|A|1||[a] and [b]"):
            with self.assertRaises(ValueError):
                intent_hard.parse_line(line, "en")


class Checker(unittest.TestCase):
    """Each check of check_intent.py fails on data that breaks it."""

    @classmethod
    def setUpClass(cls):
        cls.rows = intent.generate(600, 3, PRODUCTS)
        cls.hard = intent_hard.read_hard()
        cls.hard_products = intent_hard.hard_products()

    def faults(self, rows):
        return check_intent.check_records(rows, PRODUCTS, check_intent.NOISE, "test")

    def test_good(self):
        self.assertEqual(self.faults(self.rows), [])

    def test_damage(self):
        base = next(row for row in self.rows if row["spans"]["quantity"] and row["language"] == "hr"
                    and row["text"] != row["text"].encode().decode("ascii", "ignore"))

        def broken(change):
            row = copy.deepcopy(base)
            change(row)
            self.assertTrue(self.faults([row]), row)

        broken(lambda row: row["spans"]["product"].__setitem__(0, row["spans"]["product"][0] + 1))
        broken(lambda row: row["spans"]["product"].__setitem__(1, len(row["text"]) + 1))
        broken(lambda row: row["byte_spans"]["product"].__setitem__(1, len(row["text"]) * 4))
        broken(lambda row: row.__setitem__("quantity", row["quantity"] + 1))
        broken(lambda row: row.__setitem__("product", "No Such Thing"))
        broken(lambda row: row.__setitem__("action", "keep"))
        broken(lambda row: row.__setitem__("language", "de"))
        broken(lambda row: row.__setitem__("noise", ["magic"]))
        broken(lambda row: row.__setitem__("text", row["text"] + " "))
        broken(lambda row: row["spans"].__setitem__("quantity", None))
        broken(lambda row: row["spans"].__setitem__("quantity", row["spans"]["product"]))
        broken(lambda row: row.pop("noise"))
        self.assertTrue(self.faults([base, copy.deepcopy(base)]))

    def test_wrong_product(self):
        row = copy.deepcopy(next(row for row in self.rows if not row["noise"]))
        row["product"] = next(name for name in BY_NAME if name != row["product"])
        self.assertTrue(self.faults([row]))

    def test_overlap(self):
        self.assertEqual(check_intent.shared_products(PRODUCTS, self.hard_products), [])
        self.assertIn("lip balm", check_intent.shared_products(PRODUCTS, [BY_NAME["Lip Balm"]]))
        leaked = intent_hard.parse_line("+|Rug|1||add [rug] to my cart", "en")
        self.assertIn(check_intent.masked(leaked), check_intent.template_words())
        shared, _ = check_intent.overlap([leaked], self.rows, 5)
        self.assertTrue(shared)
        self.assertEqual(check_intent.overlap(self.hard, self.rows, 5)[0], [])
        spoken = intent_hard.parse_line("+|Rug|1||yo bring a Veltrano [rug] pls 🙏", "en")
        self.assertEqual(len(check_intent.shared_wording([spoken])), 4)

    def test_hard(self):
        self.assertEqual(check_intent.check_records(self.hard, self.hard_products,
                                                    check_intent.HARD_NOISE, "hard.txt"), [])
        for language in catalogue.LANGUAGES:
            self.assertGreaterEqual(sum(row["language"] == language for row in self.hard), 150)

    def test_split(self):
        train, test = intent.split(self.rows, 3)
        self.assertEqual(check_intent.check_split(self.rows, train, test), [])
        self.assertTrue(check_intent.check_split(self.rows, train + test[:1], test))
        self.assertTrue(check_intent.check_split(self.rows, train + test[:1], test[1:]))

    def test_everything(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(check_intent.main(["--report"]), 0)
        self.assertIn("no fault", out.getvalue())


if __name__ == "__main__":
    unittest.main()
