#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the shopping-intent data: the generator's output, the harder test, and that they differ.

    python3 tools/synth/check_intent.py --n 6000 --seed 1    make and check the examples
    python3 tools/synth/check_intent.py --report             and print what they hold

Checked: every field and span; product spans against the catalogues and quantity spans against
quantities.tsv; the files of data/intent/ against what the scripts write; the same seed giving the
same bytes; no product, template, brand, greeting, slang or emoji of the generator in the harder
test.  Exit status 0 if all holds, 1 with a line for each fault.
"""
import argparse
import collections
import hashlib
import os
import re
import sys

import intent
import intent_hard
from intent_parts import catalogue, quantities, templates
from intent_parts.overlap import fold, masked, ngrams

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "intent")
NOISE = {"typo", "slang", "greeting", "emoji", "brand", "code-switch", "number-word", "dozen",
         "pair", "no-diacritics", "case", "punctuation", "distractor"}
HARD_NOISE = NOISE - {"greeting", "punctuation"} | {"filler", "stretch", "hashtag", "leet", "times",
                                                   "pieces", "couple"}
EXTRA = 3000  # rows of the wider generator that are made to be checked
NUMBER = re.compile(r"[x×]? ?([0-9]+) ?(?:x|×|kom\.?|komada?|uds\.?)?")


def quantity_values():
    """{expression: value} of every language; the table has one value for each."""
    return {expression: value for (expression, _), value in quantities.table().items()}


def read_quantity(text, values):
    """The value of a quantity expression, or None if it is not in the contract."""
    text = re.sub(" +", " ", text.lower())
    digits = NUMBER.fullmatch(text)
    if digits:
        return int(digits[1])
    return values.get(text)


def distance(a, b):
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def check_record(row, forms, values, noise_kinds):
    """What is wrong with one record; 'forms' is {name: folded forms of its aliases}."""
    faults = []
    if list(row) != ["text", "action", "product", "quantity", "language", "noise", "spans",
                     "byte_spans"]:
        return [f"fields {list(row)}"]
    text, spans, byte_spans = row["text"], row["spans"], row["byte_spans"]
    if row["action"] not in ("add", "remove"):
        faults.append(f"action {row['action']}")
    if row["language"] not in catalogue.LANGUAGES:
        faults.append(f"language {row['language']}")
    if not set(row["noise"]) <= noise_kinds:
        faults.append(f"noise {row['noise']}")
    if text != text.strip() or "  " in text or "\n" in text or "\t" in text:
        faults.append("spaces")
    for key, span in spans.items():
        where = byte_spans[key]
        if (span is None) != (where is None):
            faults.append(f"{key}: one span is null")
        elif span is not None:
            part = text[slice(*span)]
            if not 0 <= span[0] < span[1] <= len(text) or part != part.strip():
                faults.append(f"{key}: span {span} of {len(text)} code points")
            elif text.encode()[slice(*where)] != part.encode():
                faults.append(f"{key}: bytes {where} are not code points {span}")
    if faults:
        return faults
    if row["product"] not in forms:
        return [f"unknown product {row['product']}"]
    name = fold(text[slice(*spans["product"])])
    if forms[row["product"]] is not None and name not in forms[row["product"]]:
        near = min(distance(name, form) for form in forms[row["product"]])
        if near > (6 if "typo" in row["noise"] else 0):
            faults.append(f"product {name!r} is {near} letters from {row['product']}")
    quantity = spans["quantity"]
    if quantity is None:
        if row["quantity"] != 1:
            faults.append("no quantity in the text, but not 1")
    else:
        start, end = spans["product"]
        if quantity[0] < end and start < quantity[1]:
            faults.append("product and quantity overlap")
        expression = text[slice(*quantity)]
        if read_quantity(expression, values) != row["quantity"] or not 1 <= row["quantity"] <= 100:
            faults.append(f"quantity {expression!r} is not {row['quantity']}")
    return faults


def check_records(rows, products, noise_kinds, name, made_up=False):
    """Faults of a list of records, each with the file's name and the line.  made_up: products that
    are not in the catalogue are allowed."""
    forms = {product.name: {fold(form) for form in product.every_form()} for product in products}
    if made_up:
        forms = {**{row["product"]: None for row in rows}, **forms}
    for product in products:
        forms[product.name].add(fold(product.name))
    values, seen, faults = quantity_values(), {}, []
    for number, row in enumerate(rows, 1):
        faults += [f"{name}: line {number}: {fault}: {row.get('text')}"
                   for fault in check_record(row, forms, values, noise_kinds)]
        first = seen.setdefault(row["text"].casefold(), number)
        if first != number:
            faults.append(f"{name}: line {number}: the text of line {first}")
    return faults


def check_products(products, name):
    """No alias names two products; every name and detail is known."""
    owner, faults = {}, []
    for product in products:
        for form in product.every_form():
            other = owner.setdefault(fold(form), product.name)
            if other != product.name:
                faults.append(f"{name}: {form!r} names {other} and {product.name}")
        if product.detail and product.detail not in templates.DETAILS:
            faults.append(f"{name}: {product.name}: detail {product.detail!r}")
        if set(product.units) - set(templates.UNITS) - set("PN"):
            faults.append(f"{name}: {product.name}: units {product.units!r}")
    if len({product.name for product in products}) != len(products):
        faults.append(f"{name}: a canonical name twice")
    return faults


def shared_products(ours, theirs):
    """Names and aliases that stand in both catalogues."""
    def names(products):
        return {fold(form): product.name for product in products
                for form in [product.name, *product.every_form()]}
    first, second = names(ours), names(theirs)
    return sorted(set(first) & set(second))


def template_words():
    """Each template as folded words, with Q P for what has both, and without Q."""
    out = set()
    for lines in templates.TEMPLATES.values():
        for line in lines:
            for phrase in ("\x02 \x01", "\x01"):
                filled = re.sub(r"{n[png]}", phrase, line)
                filled = filled.replace("{p}", "\x01").replace("{n}", "\x02")
                words = re.findall(r"[\w']+|\x01|\x02", fold(filled))
                out.add(tuple({"\x01": "P", "\x02": "Q"}.get(word, word) for word in words))
    return out


def overlap(hard, train, n):
    """(shared, all) word n-grams of the masked harder test; 'shared' as a sorted list."""
    known = set().union(*(ngrams(masked(row), n) for row in train))
    known |= set().union(*(ngrams(words, n) for words in template_words()))
    mine = set().union(*(ngrams(masked(row), n) for row in hard))
    return sorted(mine & known), len(mine)


def shared_wording(hard):
    """Brands, greetings, chat words, thanks, asides, emojis of the generator in the harder test."""
    found = []
    for row in hard:
        language = row["language"]
        phrases = {fold(brand) for brand in templates.BRANDS}
        for lists in (templates.GREETINGS, templates.POLITE, templates.SLANG_BEFORE,
                      templates.SLANG_AFTER, templates.ASIDES):
            phrases |= {fold(phrase).rstrip(",") for phrase in lists[language]}
        phrases |= {fold(short) for short in templates.SLANG_WORDS[language].values()}
        words = " " + " ".join(masked(row)) + " "
        found += [f"{phrase!r} in: {row['text']}" for phrase in sorted(phrases)
                  if f" {phrase} " in words]
        found += [f"{emoji} in: {row['text']}" for emoji in templates.EMOJIS
                  if emoji in row["text"]]
    return found


def check_split(rows, train, test):
    """A tenth of each language in the test, nothing lost, no text in both."""
    faults = []
    if len(train) + len(test) != len(rows):
        faults.append("split: examples lost")
    if {row["text"].casefold() for row in train} & {row["text"].casefold() for row in test}:
        faults.append("split: a text in both files")
    for language in catalogue.LANGUAGES:
        want = round(intent.TEST_SHARE * sum(row["language"] == language for row in rows))
        got = sum(row["language"] == language for row in test)
        if got != want:
            faults.append(f"split: {got} {language} in the test, not {want}")
    return faults


def check_files():
    """The files of data/intent/ are those that the scripts write."""
    products = catalogue.read_products()
    wanted = {"catalog.tsv": catalogue.catalogue_text(products),
              "quantities.tsv": quantities.table_text(),
              "hard.jsonl": intent.lines(intent_hard.read_hard()),
              "hard_catalog.tsv": catalogue.catalogue_text(intent_hard.hard_products())}
    faults = []
    for name, text in wanted.items():
        with open(os.path.join(DATA, name), encoding="utf-8", newline="") as handle:
            if handle.read() != text:
                faults.append(f"data/intent/{name}: not what the scripts write")
    return faults


def check_hash(train, test, path=os.path.join(DATA, "README.md")):
    """README.md has the checksum of the examples of --n 6000 --seed 1."""
    digest = hashlib.sha256((intent.lines(train) + intent.lines(test)).encode()).hexdigest()
    with open(path, encoding="utf-8") as handle:
        return [] if digest in handle.read() else [f"{path}: has not the checksum {digest}"]


def table(title, rows, key):
    """A count for each value of key(row) and each language."""
    counts = collections.Counter()
    for row in rows:
        for value in key(row):
            counts[value, row["language"]] += 1
    head = "".join(f"{language:>7}" for language in catalogue.LANGUAGES)
    print(f"\n{title:<16}{head}    all")
    for value in sorted({value for value, _ in counts}, key=str):
        cells = [counts[value, language] for language in catalogue.LANGUAGES]
        print(f"{value!s:<16}" + "".join(f"{cell:>7}" for cell in cells) + f"{sum(cells):>7}")


def quantity_class(row):
    if row["spans"]["quantity"] is None:
        return ["absent"]
    value = row["quantity"]
    return [f"{value:>3}" if value <= 12 else " 13-24" if value <= 24 else " 25-100"]


def report(name, rows):
    print(f"\n== {name}: {len(rows)} examples, {len({row['product'] for row in rows})} products")
    table("action", rows, lambda row: [row["action"]])
    table("quantity", rows, quantity_class)
    table("noise", rows, lambda row: row["noise"] or ["(none)"])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=6000,
                        help="examples to make (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default %(default)s)")
    parser.add_argument("--report", action="store_true",
                        help="print distributions and n-gram overlap")
    args = parser.parse_args(argv)

    products, hard_products = catalogue.read_products(), intent_hard.hard_products()
    both = intent.generate(args.n, args.seed, products, EXTRA)
    rows, wider, hard = both[:args.n], both[args.n:], intent_hard.read_hard()
    train, test = intent.split(rows, args.seed)
    faults = check_products(products, "products.tsv")
    faults += check_products(hard_products, "hard_products.tsv")
    faults += check_records(rows, products, NOISE, "generator")
    faults += check_records(wider, products, NOISE, "wider generator", made_up=True)
    faults += check_records(hard, hard_products, HARD_NOISE, "hard.txt")
    faults += check_split(rows, train, test) + check_files()
    if (args.n, args.seed) == (6000, 1):
        faults += check_hash(train, test)
    if intent.lines(intent.generate(args.n, args.seed, products)) != intent.lines(rows):
        faults.append("generator: the same seed gave other bytes")
    faults += [f"in both catalogues: {name}" for name in shared_products(products, hard_products)]
    faults += [f"wording of the generator: {found}" for found in shared_wording(hard)]
    whole = template_words() | {masked(row) for row in both}
    faults += [f"template of the generator: {row['text']}" for row in hard if masked(row) in whole]
    shared, _ = overlap(hard, both, 5)
    faults += [f"five words of the generator's templates: {' '.join(words)}" for words in shared]

    if args.report:
        report("generator", rows)
        report("wider generator", wider)
        report("harder test", hard)
        print("\nword n-grams of the harder test (P product, Q quantity) that are the "
              "generator's too")
        for n in (1, 2, 3, 4, 5):
            (shared, total), (more, _) = overlap(hard, rows, n), overlap(hard, both, n)
            print(f"n = {n}: {len(shared)} of {total} ({len(shared) / total:.1%}), with the wider "
                  f"rows {len(more)} ({len(more) / total:.1%})")
    for fault in faults:
        print(f"check_intent: {fault}", file=sys.stderr)
    if not faults:
        print(f"check_intent: {len(rows)} generated and {len(hard)} hard examples, no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
