#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/synth/relevance.py: that its labels follow from the texts, that its three sets
share neither queries nor, where promised, categories, and that a seed fixes the files."""
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools", "synth"))
import relevance  # noqa: E402

TINY = """%brands: Aba, Bebe
$colour: black | red
== One
pan ~lid :: frying pan = skillet :: $colour; size!: 8 inch = 20 cm | 10 inch = 25 cm :: riveted :: pan lid :: Pan Flute
lid :: lid :: kind: glass | steel :: round :: knob ::
bed :: dog bed :: lid: with lid | open = ?no lid | tented = ?no lid :: soft :: bed cover ::
== Two
tea :: green tea :: bag: tea bags | loose leaf :: fresh :: tea cup ::
== Three (ood)
cat :: cat toy :: $colour :: bell :: treat ::
== Four (ood)
pen :: gel pen :: $colour :: fine :: ink ::
"""


def parse(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return relevance.Catalogue(file.name)


def run(*args):
    return subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/synth/relevance.py"),
                           *args], capture_output=True, text=True, check=False)


def table(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file][1:]


class TheCatalogue(unittest.TestCase):
    def test_size(self):
        catalogue = relevance.Catalogue(relevance.CATALOGUE)
        self.assertGreaterEqual(len(catalogue.kinds), 300)
        self.assertGreaterEqual(len(catalogue.categories), 25)
        self.assertGreaterEqual(len(catalogue.ood), 5)

    def test_no_spelling_names_two_values(self):
        for kind in relevance.Catalogue(relevance.CATALOGUE).kinds:
            for attribute in kind.attributes:
                seen = {}
                for i, value in enumerate(attribute.values):
                    for text, _ in value:
                        if text.startswith(relevance.NEGATIONS):
                            continue  # "not wood" may be true of several values
                        self.assertEqual(seen.setdefault(text.lower(), i), i,
                                         f"{kind.names[0]}: '{text}'")

    def test_errors_name_the_line(self):
        for bad, part in (("a :: b :: c", "fields"), ("x :: y :: $none :: f :: a :: ", "none"),
                          ("x :: y :: c: one :: f :: a :: ", "two values"),
                          ("x ~z :: y :: :: f :: a :: ", "no group"),
                          ("x :: frying pan :: :: f :: a :: ", "two kinds"),
                          ("== One", "second time")):
            with self.assertRaisesRegex(relevance.CatalogueError, part):
                parse(TINY + bad + "\n")

    def test_near(self):
        kinds = {k.names[0]: k for k in parse(TINY).kinds}
        self.assertTrue(kinds["frying pan"].near(kinds["lid"]))
        self.assertTrue(kinds["lid"].near(kinds["frying pan"]))
        self.assertFalse(kinds["dog bed"].near(kinds["frying pan"]))


class Labels(unittest.TestCase):
    """Each pair is made and then judged again from its two texts alone."""

    def setUp(self):
        self.seed = random.SystemRandom().randrange(1000000)
        self.catalogue = relevance.Catalogue(relevance.CATALOGUE)
        self.maker = relevance.Maker(self.catalogue, self.catalogue.kinds,
                                     random.Random(self.seed))

    def told(self, attribute, title):
        """The values of the attribute that the title spells out; of two spellings that overlap
        only the longer one counts."""
        title = " ".join("".join(c if c.isalnum() or c in "./%-\"+#:'&" else " "
                                 for c in title.lower()).split())
        found, spans = set(), []
        spellings = sorted(((t.lower(), i) for i, v in enumerate(attribute.values)
                            for t, where in v if where != "?"), key=lambda s: -len(s[0]))
        for text, i in spellings:
            text = " ".join("".join(c if c.isalnum() or c in "./%-\"+#:'&" else " "
                                    for c in text).split())
            at = f" {title} ".find(f" {text} ")
            if at >= 0 and not any(a < at + len(text) and at < b for a, b in spans):
                spans.append((at, at + len(text)))
                found.add(i)
        return found

    def test_a_title_states_what_the_query_names(self):
        exact = other = 0
        for _ in range(2500):
            query = self.maker.query()
            if query.accessory or not query.named:
                continue
            title = self.maker.exact(query)[0]
            for i in query.named:
                self.assertIn(query.values[i], self.told(query.kind.attributes[i], title),
                              f"seed {self.seed}: {query.text!r} / {title!r}")
            exact += 1
            values = self.maker.mismatch(query)
            if values is not None:
                self.assertEqual(sum(values[i] != query.values[i] for i in query.named), 1)
                other += 1
        self.assertGreater(exact, 800)
        self.assertGreater(other, 800)

    def test_brand(self):
        for _ in range(1000):
            query = self.maker.query()
            if query.brand and not query.accessory:
                self.assertIn(query.brand.lower(), self.maker.exact(query)[0].lower())
                made = self.maker.substitute(query)
                if made and made[1] == "brand":
                    self.assertNotIn(query.brand.lower(), made[0].lower())

    def test_irrelevant_is_never_near(self):
        # On purpose through the texts: no name of the query's kind in a title of rule "far" or "near".
        for _ in range(2500):
            query = self.maker.query()
            title, rule, _ = self.maker.irrelevant(query)
            if rule in ("far", "near"):
                for name in query.kind.names:
                    self.assertNotRegex(title.lower(), rf"\b{re.escape(name.lower())}\b",
                                        f"seed {self.seed}: {query.text!r}")

    def test_a_title_that_names_the_kind_is_no_far_one(self):
        # One title in some 30,000 is like these, so they are given here.
        kinds = {k.names[0]: k for k in self.catalogue.kinds}
        for name, title, rule, told in (("jigsaw", "Fairholt Jigsaw Puzzle", "far", "lookalike"),
                                        ("air fryer", "Oakhaven Toaster Oven, Air Fryer", "near",
                                         "no title")):
            query = relevance.Query(name, kinds[name], [], {}, None, None, False)
            draws = [(title, rule, 1), ("no title", "no title", 1)]
            self.maker.unrelated_title = lambda _, draws=draws: draws.pop(0)
            self.assertEqual(self.maker.irrelevant(query)[1], told)

    def test_negation_only_contradicts_what_it_names(self):
        catalogue = parse(TINY)
        bed = next(k for k in catalogue.kinds if k.names[0] == "dog bed")
        attribute = bed.attributes[0]
        self.assertEqual(attribute.negated_by("no lid"), [0])
        self.assertIsNone(attribute.negated_by("open"))
        self.assertEqual(attribute.spellings(1, ">"), ["open"])
        query = relevance.Query("dog bed no lid", bed, [1], {0: "no lid"}, None, None, False)
        maker = relevance.Maker(catalogue, catalogue.kinds, random.Random(1))
        for _ in range(20):
            self.assertEqual(maker.mismatch(query), [0])  # never "tented": it has no lid either


class Files(unittest.TestCase):
    def test_a_query_that_is_taken_is_not_made_again(self):
        catalogue, taken, bags = relevance.Catalogue(relevance.CATALOGUE), set(), []
        for _ in range(2):  # the same random numbers twice
            maker = relevance.Maker(catalogue, catalogue.kinds, random.Random(5))
            rows = maker.pairs(200, [1, 1, 1, 1], taken)
            bags.append({" ".join(sorted(r[0].lower().split())) for r in rows})
        self.assertFalse(bags[0] & bags[1])

    def test_sets(self):
        with tempfile.TemporaryDirectory() as folder:
            out = [os.path.join(folder, name) for name in "abc"]
            for where, seed, n in ((out[0], 7, 1500), (out[1], 7, 1500), (out[2], 8, 300)):
                done = run("--n", str(n), "--test-n", "300", "--seed", str(seed), "--out", where)
                self.assertEqual(done.returncode, 0, done.stderr)
            files = {}
            for name in ("train.tsv", "ind.tsv", "ood.tsv", "manifest.json"):
                with open(os.path.join(out[0], name), "rb") as file:
                    files[name] = file.read()
                with open(os.path.join(out[1], name), "rb") as file:
                    self.assertEqual(files[name], file.read(), f"{name}: one seed, two files")
            with open(os.path.join(out[2], "ind.tsv"), "rb") as file:
                self.assertNotEqual(files["ind.tsv"], file.read(), "the seed changes nothing")
            train, ind, ood = (table(os.path.join(out[0], f + ".tsv"))
                               for f in ("train", "ind", "ood"))
            self.assertEqual([len(train), len(ind), len(ood)], [1500, 300, 300])
            for rows in (train, ind, ood):
                self.assertEqual(len({(r[0].lower(), r[1].lower()) for r in rows}), len(rows))
                for label in "ESCI":
                    self.assertGreater(sum(r[2] == label for r in rows), len(rows) // 10)
            bags = [{" ".join(sorted(r[0].lower().split())) for r in rows}
                    for rows in (train, ind, ood)]
            self.assertFalse(bags[0] & bags[1] or bags[0] & bags[2] or bags[1] & bags[2])
            self.assertFalse({r[4] for r in train + ind} & {r[4] for r in ood})

    def test_bad_options(self):
        with tempfile.TemporaryDirectory() as folder:
            for args in (("--n", "0", "--out", folder), ("--prior", "1,2", "--out", folder),
                         ("--catalogue", os.path.join(folder, "none"), "--out", folder)):
                done = run(*args)
                self.assertEqual(done.returncode, 2)
                self.assertIn("relevance.py: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
