#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes labelled query-product pairs from a catalogue of its own: no shop's data, any number,
the same files for the same seed.

    python3 tools/synth/relevance.py --n 20000 --seed 1 --out build/synth

writes, UTF-8, tab-separated, one header line:

    train.tsv      --n pairs over the catalogue's training categories
    ind.tsv        --test-n pairs of the same categories; no query of train.tsv, in any word order
    ood.tsv        --test-n pairs whose categories, and so kinds of product, are in no other file
    manifest.json  seed, settings, counts and SHA-256 of each file and of the catalogue

Columns: query, title, label (E, S, C, I), source ("synthetic"), category, difficulty (1 to 3) and
rule, which says how the pair came about:

    E same        same kind, every value that the query names, perhaps in other words or units
    S attribute   same kind, one named value is another one (size, colour, "without" ...)
    S brand       same kind and values, another brand than the one asked for
    S sibling     another kind for the same purpose
    S fit         the accessory asked for, for another size or model of the main product
    C accessory   a thing used with what is asked for; its title may repeat all words of the query
    C main        the query asks for the accessory, the title is the main product
    I far         another category;  I near: same category, another purpose
    I lookalike   shares words with the query: a homonym, a motif, same brand and size, the same
                  part for another product

Difficulty: 1 the words alone decide, 2 one value or a synonym does, 3 units, negation, brand,
misspelling or a misleading title.  A label follows from the two texts: a title states every
value that its query names, unless it is another kind of thing altogether.  Limits: the language
is plainer than real queries and titles, and the classes are more even than in a shop's log;
use it beside real pairs, not in their place.
"""
import argparse
import hashlib
import json
import os
import random
import re
import sys

CATALOGUE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalogue.relevance.txt")
COLUMNS = ("query", "title", "label", "source", "category", "difficulty", "rule")
SMALL_WORDS = {"a", "an", "and", "by", "for", "in", "of", "on", "or", "the", "to", "with"}
NEGATIONS = ("not ", "no ", "without ")
AFTER_NOUN = ("with ", "without ", "for ", "no ", "not ", "size ", "from ", "up to ", "as ")


class CatalogueError(Exception):
    """A line of the catalogue is not as its head says."""


class Attribute:
    """Values that exclude each other; each value a list of (spelling, where) with where '' for
    both, '?' for queries only, '>' for titles only."""

    def __init__(self, name, values, fit=0):
        self.name, self.values, self.fit = name, values, fit

    def spellings(self, value, side):
        return [text for text, where in self.values[value] if where in ("", side)]

    def negated_by(self, spelling):
        """For "not X" and the like: the values that X names.  Other values may be "not X" too,
        so they are no clear mismatch.  None where the spelling is no negation."""
        negation = next((n for n in NEGATIONS if spelling.startswith(n)), None)
        if negation is None:
            return None
        stem = spelling[len(negation):].rstrip("s")
        return [i for i, value in enumerate(self.values)
                if any(stem in text and not text.startswith(NEGATIONS) for text, _ in value)]


class Kind:
    def __init__(self, category, group, related, names, attributes, features, accessories, decoys):
        self.category, self.group, self.related = category, group, related
        self.names, self.attributes, self.features = names, attributes, features
        self.accessories, self.decoys = accessories, decoys
        self.name_pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)

    def near(self, other):
        """Too close for "Irrelevant": same purpose, or used together."""
        if self.category == other.category and (
                self.group == other.group or other.group in self.related or
                self.group in other.related):
            return True
        return any(name in item for one, two in ((self, other), (other, self))
                   for name in one.names for item in two.accessories)


class Catalogue:
    def __init__(self, path):
        self.brands, self.kinds, self.ood, self.categories = [], [], set(), []
        shared, category = {}, None
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip()
                try:
                    if not line or line.startswith("#"):
                        continue
                    if line.startswith("%brands:"):
                        self.brands += [b.strip() for b in line.split(":", 1)[1].split(",")]
                    elif line.startswith("$"):
                        name, values = line[1:].split(":", 1)
                        shared[name.strip()] = self.values(values)
                    elif line.startswith("== "):
                        category = line[3:].removesuffix("(ood)").strip()
                        if category in self.categories:
                            raise CatalogueError(f"category '{category}' a second time")
                        self.categories.append(category)
                        if line.endswith("(ood)"):
                            self.ood.add(category)
                    else:
                        self.kinds.append(self.kind(line, category, shared))
                except (CatalogueError, KeyError, ValueError) as error:
                    raise CatalogueError(f"{path}:{number}: {error}") from error
        self.check(path)

    @staticmethod
    def values(text):
        values = []
        for value in text.split("|"):
            spellings = []
            for spelling in (s.strip() for s in re.split(r"(?<=\s)=(?=\s)", value)):
                where = spelling[0] if spelling[:1] in ("?", ">") else ""
                spellings.append((spelling[len(where):].strip(), where))
            if not spellings[0][0] or spellings[0][1]:
                raise CatalogueError(f"value '{value.strip()}' has no plain first spelling")
            values.append(spellings)
        if len(values) < 2:
            raise CatalogueError(f"an attribute needs two values: '{text.strip()}'")
        return values

    def kind(self, line, category, shared):
        if category is None:
            raise CatalogueError("a kind before the first category")
        fields = [f.strip() for f in line.split("::")]
        if len(fields) != 6:
            raise CatalogueError(f"{len(fields)} fields, not 6")
        group, *related = fields[0].split()
        attributes = []
        for text in (a.strip() for a in fields[2].split(";")):
            if not text:
                continue
            name, _, values = text.partition(":")
            fit = len(name) - len(name.rstrip("!"))
            name = name.rstrip("!")
            attributes.append(Attribute(name.lstrip("$"), self.values(values) if values
                                        else shared[name.lstrip("$")], fit))
        lists = [[item.strip() for item in fields[i].split(";") if item.strip()] for i in (3, 4, 5)]
        names = [n.strip() for n in fields[1].split(" = ")]
        return Kind(category, group, {r.lstrip("~") for r in related}, names, attributes, *lists)

    def check(self, path):
        seen = {}
        for kind in self.kinds:
            for name in kind.names:
                if name in seen and seen[name] is not kind:
                    raise CatalogueError(f"{path}: two kinds are called '{name}'")
                seen[name] = kind
            groups = {k.group for k in self.kinds if k.category == kind.category}
            unknown = kind.related - groups
            if unknown:
                raise CatalogueError(f"{path}: '{kind.names[0]}': no group {sorted(unknown)} "
                                     f"in {kind.category}")
            if not kind.accessories or not kind.features:
                raise CatalogueError(f"{path}: '{kind.names[0]}' lacks accessories or features")


def title_case(text):
    words = []
    for i, word in enumerate(text.split(" ")):
        plain = word.islower() and word.isascii()
        unit = len(word) <= 3 and i > 0 and words[-1][-1:].isdigit()
        if plain and (i == 0 or word not in SMALL_WORDS) and not unit and word[0].isalpha():
            word = word[0].upper() + word[1:]
        words.append(word)
    return " ".join(words)


def after_noun(text):
    return text.startswith(AFTER_NOUN)


class Product:
    """What a title describes: a kind, its brand, and the index of each attribute's value."""

    def __init__(self, kind, brand, values):
        self.kind, self.brand, self.values = kind, brand, values


class Query:
    """A query and what it asks for: 'named' maps the attributes named to their spelling."""

    def __init__(self, text, kind, values, named, brand, accessory, misspelt):
        self.text, self.kind, self.values, self.named = text, kind, values, named
        self.brand, self.accessory, self.misspelt = brand, accessory, misspelt


class Maker:
    def __init__(self, catalogue, kinds, rng):
        self.catalogue, self.kinds, self.rng = catalogue, kinds, rng
        self.categories = sorted({k.category for k in kinds})
        self.of_category = {c: [k for k in kinds if k.category == c] for c in self.categories}
        self.unrelated = {}

    # ---- queries ----

    def misspell(self, text):
        """One slip of the keyboard in one word, or None where no word can bear one."""
        words = text.split(" ")
        able = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha() and w != "without"]
        if not able:
            return None
        i = self.rng.choice(able)
        w = words[i]
        at = self.rng.randrange(1, len(w) - 1)
        slip = self.rng.choice(("swap", "drop", "double", "vowel"))
        if slip == "swap":
            w = w[:at] + w[at + 1] + w[at] + w[at + 2:]
        elif slip == "drop":
            w = w[:at] + w[at + 1:]
        elif slip == "double":
            w = w[:at] + w[at] + w[at:]
        else:
            vowels = [k for k, c in enumerate(w) if c in "aeiou" and k]
            if not vowels:
                return None
            at = self.rng.choice(vowels)
            w = w[:at] + self.rng.choice("aeiou".replace(w[at], "")) + w[at + 1:]
        if w == words[i]:
            return None
        words[i] = w
        return " ".join(words)

    def noun_phrase(self, name, spellings, kind_first):
        """'black 12 inch frying pan with lid', or 'frying pan black 12 inch with lid'."""
        before = [s for s in spellings if not after_noun(s)]
        after = [s for s in spellings if after_noun(s)]
        if kind_first:
            return " ".join([name] + before + after)
        return " ".join(before + [name] + after)

    def query(self):
        rng = self.rng
        # A category first, so that large categories do not crowd out the small ones.
        category = rng.choice(self.categories)
        kind = rng.choice(self.of_category[category])
        values = [rng.randrange(len(a.values)) for a in kind.attributes]
        accessory = rng.choice(kind.accessories) if rng.random() < 0.22 else None
        if accessory and self.ANYWHERE.search(accessory):
            accessory = None
        if accessory:
            able = [i for i, a in enumerate(kind.attributes) if a.fit]
            count = len(able) if rng.random() < 0.75 else 0
        else:
            able = list(range(len(kind.attributes)))
            count = rng.choices((0, 1, 2, 3), (12, 40, 34, 14))[0]
        chosen = sorted(rng.sample(able, min(count, len(able))))
        named = {i: rng.choice(kind.attributes[i].spellings(values[i], "?")) for i in chosen}
        brand = rng.choice(self.catalogue.brands) if rng.random() < 0.18 else None
        if accessory:
            text = f"{accessory} for {self.fits(kind, named, brand)}"
        else:
            spellings = list(named.values())
            rng.shuffle(spellings)
            name = rng.choice(kind.names) if rng.random() < 0.5 else kind.names[0]
            text = self.noun_phrase(name, spellings, rng.random() < 0.35)
            if brand:
                text = f"{brand} {text}" if rng.random() < 0.8 else f"{text} {brand}"
        misspelt = False
        if rng.random() < 0.13:
            slip = self.misspell(text)
            misspelt, text = slip is not None, slip or text
        if rng.random() < 0.1:
            text = rng.choice(("best {}", "good {}", "i need {}", "looking for {}", "where to buy {}",
                               "{} on sale", "{} for gift", "new {}", "quality {}")).format(text)
        if rng.random() < 0.88:
            text = text.lower()
        return Query(text, kind, values, named, brand, accessory, misspelt)

    # ---- titles ----

    def fits(self, kind, named, brand):
        """What an accessory is for: '12 inch frying pan', 'Nuvia X12'."""
        whole = [named[i] for i in sorted(named) if kind.attributes[i].fit == 2]
        if whole:
            return whole[0]
        name = self.noun_phrase(kind.names[0], [named[i] for i in sorted(named)], False)
        return f"{brand} {name}" if brand else name

    def model_number(self):
        return "".join(self.rng.choice("ABDEHKLMNRSTVX") for _ in range(2)) + \
            f"{self.rng.choice(('', '-'))}{self.rng.randrange(10, 990)}"

    # The same empty words in all titles, so that they tell nothing about the label.
    def epithet(self):
        return self.rng.choice(("premium ", "new ", "upgraded ", "classic ")) \
            if self.rng.random() < 0.08 else ""

    def praise(self):
        words = ("easy to use", "easy to clean", "great gift", "best value", "long lasting",
                 "sturdy", "satisfaction guaranteed", "modern design")
        return self.rng.sample(words, self.rng.choices((0, 1, 2), (60, 30, 10))[0])

    def title(self, product, must=()):
        """A title that states the attributes 'must' and some of the others."""
        rng, kind = self.rng, product.kind
        shown = [i for i in range(len(kind.attributes)) if i in must or rng.random() < 0.55]
        spelt = []
        for i in shown:
            options = kind.attributes[i].spellings(product.values[i], ">")
            spelt.append(options[0] if rng.random() < 0.55 else rng.choice(options))
        rng.shuffle(spelt)
        name = kind.names[0] if rng.random() < 0.7 else rng.choice(kind.names)
        features = rng.sample(kind.features, rng.randrange(0, len(kind.features) + 1))
        style = rng.random()
        split = rng.randrange(0, len(spelt) + 1)
        head, tail = spelt[:split], spelt[split:] + features
        rng.shuffle(tail)
        noun = self.noun_phrase(name, head, False)
        if style < 0.62:
            start = f"{product.brand} {self.epithet()}{noun}"
        elif style < 0.72:
            start = f"{product.brand} {self.model_number()} {noun}"
        elif style < 0.80:
            start = f"{noun} by {product.brand}"
        elif style < 0.88:
            start = f"{product.brand} - {noun}"
        else:
            start, tail = noun, tail + [f"{product.brand}"]
        if rng.random() < 0.1 and len(kind.names) > 1:
            tail.append(rng.choice([n for n in kind.names if n != name]))
        tail += self.praise()
        joint = rng.choices((", ", " - ", " | ", " "), (78, 8, 8, 6))[0]
        text = joint.join([start] + tail)
        return text if rng.random() < 0.05 else title_case(text)

    def accessory_title(self, accessory, kind, named, brand_of_main, tell):
        """'tell': the title says what it is for."""
        rng = self.rng
        maker = rng.choice(self.catalogue.brands)
        start = f"{maker} {self.epithet()}{accessory}"
        if tell:
            link = rng.choices(("for", "compatible with", "fits", "made for", "works with"),
                               (70, 10, 8, 6, 6))[0]
            start += f" {link} {self.fits(kind, named, brand_of_main)}"
        return title_case(", ".join([start] + self.praise()))

    def brand_for(self, query):
        return query.brand or self.rng.choice(self.catalogue.brands)

    def respell(self, query, values):
        """The query's named attributes, with titles' spellings of 'values'."""
        return {i: self.rng.choice(query.kind.attributes[i].spellings(values[i], ">"))
                for i in query.named}

    def exact(self, query):
        if query.accessory:
            named = self.respell(query, query.values)
            # A brand in such a query is the main product's; the title must repeat it.
            title = self.accessory_title(query.accessory, query.kind, named, query.brand, True)
        else:
            title = self.title(Product(query.kind, self.brand_for(query), self.filled(query)),
                               query.named)
        literal = all(spelling.lower() in title.lower() for spelling in query.named.values()) and \
            query.kind.names[0] in title.lower()
        return title, "same", 3 if query.misspelt else 1 if literal else 2 + self.hard_words(query)

    def hard_words(self, query):
        """1 where the query negates or gives a number with a unit, else 0."""
        return int(any(s.startswith(NEGATIONS) or re.match(r"\d", s)
                       for s in query.named.values()))

    def filled(self, query):
        """The query's values; those not named are free."""
        return [v if i in query.named else self.rng.randrange(len(query.kind.attributes[i].values))
                for i, v in enumerate(query.values)]

    def mismatch(self, query):
        """Values that differ from the query's in one named attribute, or None."""
        options = []
        for i, spelling in query.named.items():
            attribute = query.kind.attributes[i]
            others = attribute.negated_by(spelling)
            if others is None:
                others = range(len(attribute.values))
            options += [(i, v) for v in others if v != query.values[i]]
        if not options:
            return None
        i, v = self.rng.choice(options)
        values = self.filled(query)
        values[i] = v
        return values

    def substitute(self, query):
        rng, kind = self.rng, query.kind
        if query.accessory:
            values = self.mismatch(query)
            if values is None:
                return None
            title = self.accessory_title(query.accessory, kind, self.respell(query, values),
                                         query.brand, True)
            return title, "fit", 3
        siblings = [k for k in self.of_category[kind.category]
                    if k is not kind and k.group == kind.group]
        ways = (["attribute"] * 6 if query.named else []) + (["brand"] if query.brand else []) + \
            (["sibling"] * 2 if siblings else [])
        if not ways:
            return None
        way = rng.choice(ways)
        if way == "sibling":
            other = rng.choice(siblings)
            product = Product(other, self.brand_for(query),
                              [rng.randrange(len(a.values)) for a in other.attributes])
            # Values that both kinds have, the query's ones: the kind alone is wrong.
            for i, attribute in enumerate(kind.attributes):
                for k, theirs in enumerate(other.attributes):
                    if i in query.named and theirs.values == attribute.values:
                        product.values[k] = query.values[i]
            return self.title(product), way, 2
        if way == "brand":
            brand = rng.choice([b for b in self.catalogue.brands if b != query.brand])
            return self.title(Product(kind, brand, self.filled(query)), query.named), way, 3
        values = self.mismatch(query)
        if values is None:
            return None
        return (self.title(Product(kind, self.brand_for(query), values), query.named), way,
                2 + (self.hard_words(query) or query.misspelt))

    def complement(self, query):
        if query.accessory:
            product = Product(query.kind, self.brand_for(query), self.filled(query))
            return self.title(product, query.named), "main", 3
        tell = self.rng.random() < 0.6
        named = {}
        if tell and self.rng.random() < 0.6:
            named = self.respell(query, query.values)
        brand = query.brand if tell and self.rng.random() < 0.7 else None
        title = self.accessory_title(self.rng.choice(query.kind.accessories), query.kind, named,
                                     brand, tell)
        return title, "accessory", 3 if named else 2

    PART = re.compile(r"replacement|cover|case|filter|stand|rack|lid|strap|mount|holder|charger|bag|"
                      r"box|tray|cleaner|brush|hook|clip|organizer|bracket|remote")
    ANYWHERE = re.compile(r"\b(AA|AAA|D|9V|coin|cloths?|usb|extension|cable|trash|gift|lint)\b")
    MOTIFS = ("Funny {} Lover Coffee Mug", "{} Vinyl Sticker for Laptop", "Vintage {} Poster Print",
              "{} Keychain Charm", "{} Christmas Tree Ornament", "The Little Book of {} Jokes",
              "{} Emoji Pillow", "{} Coloring Book for Adults", "{} Birthday Greeting Card")

    def irrelevant(self, query):
        title, rule, level = self.unrelated_title(query)
        if rule in ("near", "far") and query.kind.name_pattern.search(title):
            # "Jigsaw puzzle" looks like a jigsaw; of a neighbour that names the kind, as a toaster
            # oven with "air fryer" does, nobody can say that it does not fit.
            if rule == "near":
                return self.irrelevant(query)
            rule, level = "lookalike", 3
        return title, rule, level

    def unrelated_title(self, query):
        rng, kind = self.rng, query.kind
        draw = rng.random()
        if id(kind) not in self.unrelated:
            apart = [k for k in self.kinds if not kind.near(k)]
            self.unrelated[id(kind)] = ([k for k in apart if k.category != kind.category],
                                        [k for k in apart if k.category == kind.category])
        others, neighbours = self.unrelated[id(kind)]
        if draw < 0.16 and kind.decoys and not query.accessory:
            decoy = rng.choice(kind.decoys)
            brand = self.brand_for(query)
            return title_case(f"{brand} {decoy}"), "lookalike", 3
        if draw < 0.24 and not query.accessory:
            return title_case(rng.choice(self.MOTIFS).format(title_case(kind.names[0]))), \
                "lookalike", 3
        if query.accessory and draw < 0.4 and self.PART.search(query.accessory) and \
                not self.ANYWHERE.search(query.accessory):
            other = rng.choice(others)
            return self.accessory_title(query.accessory, other, {}, query.brand, True), \
                "lookalike", 3
        if draw < 0.62 and neighbours:
            other = rng.choice(neighbours)
            values = [rng.randrange(len(a.values)) for a in other.attributes]
            return self.title(Product(other, self.brand_for(query), values)), "near", 2
        other = rng.choice(others)
        values = [rng.randrange(len(a.values)) for a in other.attributes]
        shared = [(k, v) for i in query.named for k, a in enumerate(other.attributes)
                  for v in range(len(a.values))
                  if set(a.spellings(v, ">")) & set(kind.attributes[i].spellings(
                      query.values[i], ">"))]
        must = {k for k, _ in shared}
        for k, v in shared:
            values[k] = v
        if rng.random() < 0.3 and not must:
            return self.accessory_title(rng.choice(other.accessories), other, {}, None, True), \
                "far", 1
        return self.title(Product(other, self.brand_for(query), values), must), \
            "lookalike" if must or query.brand else "far", 2 if must or query.brand else 1

    # ---- sets ----

    def pairs(self, count, prior, taken):
        """'count' rows; a query in 'taken' (bags of words, in any order) is not used again."""
        makers = {"E": self.exact, "S": self.substitute, "C": self.complement,
                  "I": self.irrelevant}
        rows = []
        while len(rows) < count:
            query = self.query()
            key = " ".join(sorted(query.text.lower().split()))
            if key in taken:
                continue
            taken.add(key)
            titles = set()
            for _ in range(self.rng.randrange(3, 7)):
                label = self.rng.choices("ESCI", prior)[0]
                made = makers[label](query)
                if made is None or made[0].lower() in titles:
                    continue
                titles.add(made[0].lower())
                rows.append((query.text, made[0], label, "synthetic", query.kind.category,
                             str(made[2]), made[1]))
        return rows[:count]


def write_file(path, text):
    """All of it or nothing: written under another name, then renamed."""
    with open(path + ".part", "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(path + ".part", path)
    return hashlib.sha256(text.encode()).hexdigest()


def counts(rows, column):
    tally = {}
    for row in rows:
        tally[row[column]] = tally.get(row[column], 0) + 1
    return dict(sorted(tally.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20000, help="pairs in train.tsv (20000)")
    parser.add_argument("--test-n", type=int, default=1000,
                        help="pairs in ind.tsv and in ood.tsv (1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other pairs (1)")
    parser.add_argument("--prior", default="0.35,0.27,0.19,0.19", metavar="E,S,C,I",
                        help="how often each label is tried (0.35,0.27,0.19,0.19)")
    parser.add_argument("--catalogue", default=CATALOGUE, help="another catalogue")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder, made where missing")
    args = parser.parse_args()
    try:
        prior = [float(p) for p in args.prior.split(",")]
    except ValueError:
        prior = []
    if len(prior) != 4 or min(prior) < 0 or sum(prior) <= 0:
        parser.error("--prior needs four numbers, none below 0, not all 0")
    if args.n < 1 or args.test_n < 1:
        parser.error("--n and --test-n must be at least 1")
    try:
        catalogue = Catalogue(args.catalogue)
        seen = [k for k in catalogue.kinds if k.category not in catalogue.ood]
        unseen = [k for k in catalogue.kinds if k.category in catalogue.ood]
        if len({k.category for k in seen}) < 2 or len({k.category for k in unseen}) < 2:
            raise CatalogueError(f"{args.catalogue}: needs two training and two ood categories")
        os.makedirs(args.out, exist_ok=True)
        taken = set()
        manifest = {"generator": "tools/synth/relevance.py", "seed": args.seed, "prior": prior,
                    "catalogue_sha256":
                        hashlib.sha256(open(args.catalogue, "rb").read()).hexdigest(),
                    "files": {}}
        # The test sets come first, so that they do not change with --n.
        for name, kinds, count in (("ood", unseen, args.test_n), ("ind", seen, args.test_n),
                                   ("train", seen, args.n)):
            maker = Maker(catalogue, kinds, random.Random(f"{args.seed} {name}"))
            rows = maker.pairs(count, prior, taken)
            lines = ["\t".join(row) for row in [COLUMNS] + rows]
            digest = write_file(os.path.join(args.out, name + ".tsv"), "\n".join(lines) + "\n")
            manifest["files"][name + ".tsv"] = {
                "sha256": digest, "pairs": len(rows), "queries": len({r[0] for r in rows}),
                "labels": counts(rows, 2), "categories": len(counts(rows, 4)),
                "difficulty": counts(rows, 5)}
            print(f"{name}.tsv: {len(rows)} pairs, {len({r[0] for r in rows})} queries, "
                  f"labels {counts(rows, 2)}")
        write_file(os.path.join(args.out, "manifest.json"), json.dumps(manifest, indent=2) + "\n")
    except (CatalogueError, OSError) as error:
        print(f"relevance.py: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
