#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes shopping-intent examples: action, product and quantity of a sentence.

    python3 tools/synth/intent.py --n 6000 --seed 1 --out DIR    train.jsonl and test.jsonl, 90/10
    python3 tools/synth/intent.py --tables data/intent           catalog.tsv and quantities.tsv

English, Croatian and Spanish in turn; the same seed gives the same bytes on every machine.  A line
is a JSON object: text, action (add or remove), product (canonical name), quantity (1 when the text
has none), language, noise (what was done to the text), spans (product, and quantity or null:
[start, end) in code points) and byte_spans (the same in bytes of the UTF-8 text).
data/intent/README.md tells more.
"""
import argparse
import json
import os
import re
import sys

from intent_parts import (catalogue, frames, noise, overlap, phrases, quantities, templates,
                          wide)
from intent_parts.rng import Rng

LANGUAGES = catalogue.LANGUAGES
TEST_SHARE = 0.1
QUANTITIES = {1: 10, 2: 14, 3: 11, 4: 8, 5: 8, 6: 7, 7: 4, 8: 5, 9: 3, 10: 7, 11: 2, 12: 7,
              "large": 14}
ABSENT = 0.28
BUILT = 0.6  # share of sentences from frames.py, the rest from templates.py
WIDE = 0.75  # share of wide.py in the additional rows
MADE_UP = 0.45  # of them, share with a product that no catalogue has
WIDE_UNITS = wide.units()
STYLES = {"digits": 40, "words": 26, "times": 6, "after": 7, "pieces": 5, "unit": 8, "dozen": 40,
          "pair": 45, "couple": 20}


def choose_quantity(rng):
    """1..100, or None for a text without a quantity."""
    if rng.random() < ABSENT:
        return None
    value = rng.weighted(QUANTITIES)
    if value != "large":
        return value
    if rng.random() < 0.5:
        return rng.pick([15, 18, 20, 24, 25, 30, 36, 40, 48, 50, 60, 72, 100])
    return 13 + rng.below(88)


def fill_detail(rng, text):
    return re.sub(r"{(\w+)}", lambda found: str(rng.pick(templates.DETAIL_VALUES[found[1]])), text)


def noun_phrase(rng, product, alias, language, word_language, case, action, value, marks, widely):
    """Pieces of quantity and product, with a brand or a detail beside the product."""
    if value is None:
        pieces, style = phrases.absent(rng, product, alias, word_language, case, action), "absent"
    else:
        wishes = dict(STYLES)
        if not product.in_pairs:
            wishes.pop("pair")
        if value not in (6, 12, 18, 24, 36, 48, 60, 72, 84, 96):
            wishes.pop("dozen")
        if value != 2 or word_language != "en":
            wishes.pop("couple")
        if word_language == "en":
            wishes.pop("pieces")
        pieces, style = phrases.counted(rng, product, alias, word_language, case, value,
                                        rng.weighted(wishes), *([WIDE_UNITS] if widely else []))
        if style in ("words", "dozen", "pair"):
            marks.add({"words": "number-word"}.get(style, style))
    product_at = next(n for n, piece in enumerate(pieces) if piece[1] == "P")
    if word_language == "en" and rng.random() < 0.06:
        pieces[product_at][0] = pieces[product_at][0].title().replace("'S", "'s")
    if widely and rng.random() < 0.08 and case == "acc":
        around = wide.described(rng, word_language, alias, pieces[product_at][0],
                                value is not None and value > 1)
        if around:
            pieces.insert(product_at + 1, [around[1], "O"])
            pieces.insert(product_at, [around[0], "O"])
            product_at += 1
    decorate(rng, product, word_language, pieces, product_at, style, marks, widely)
    if value is not None and style == "words" and word_language == language and rng.random() < 0.05:
        other = rng.pick([lang for lang in LANGUAGES if lang != language])
        for piece in pieces:
            if piece[1] == "Q":
                piece[0] = rng.pick({"en": quantities.english, "hr": quantities.croatian,
                                     "es": quantities.spanish}[other](value))
                marks.add("code-switch")
    return pieces


def decorate(rng, product, language, pieces, at, style, marks, widely):
    """A brand or a detail before or after the product; neither belongs to its span."""
    chance = rng.random()
    if chance < 0.10:
        brand = wide.brand(rng) if widely else rng.pick(templates.BRANDS)
        if rng.random() < 0.5 and language != "es":
            pieces.insert(at, [brand + " ", "O"])
        else:
            phrase = rng.pick(templates.BRAND_PHRASES[language]).format(b=brand)
            pieces.insert(at + 1, [" " + phrase, "O"])
        marks.add("brand")
    elif chance < 0.27 and product.detail:
        detail = fill_detail(rng, rng.pick(templates.DETAILS[product.detail][language]))
        before = (language == "en" and style in ("absent", "words") and detail[0] not in "(i"
                  and not detail.startswith(("for", "size")) and rng.random() < 0.4)
        pieces.insert(at if before else at + 1, [detail + " " if before else " " + detail, "O"])
        marks.add("distractor")


def standalone_number(rng, language, value, marks):
    wish = rng.weighted({"digits": 5, "words": 3, "times": 2, "pieces": 2})
    if wish == "words":
        marks.add("number-word")
    return phrases.standalone(rng, language, value, wish)


def sentence(rng, language, action, product, value, marks, products, widely):
    """A filled template."""
    while True:
        if widely:
            template = wide.build(rng, language, action, products)
        elif rng.random() < BUILT:
            template = frames.build(rng, language, action)
        else:
            template = rng.pick(templates.TEMPLATES[language, action])
        if "{n}" in template and value is None:
            continue
        if "{p}" in template and "{n}" not in template and value is not None:
            continue
        break
    word_language = language
    if rng.random() < 0.07:
        word_language = rng.pick([other for other in LANGUAGES if other != language])
        marks.add("code-switch")
    out, alias = [], None
    for part in re.split(r"({\w+})", template):
        if part in ("{np}", "{nn}", "{ng}", "{p}"):
            alias = rng.pick(product.aliases[word_language])
        if part in ("{np}", "{nn}", "{ng}"):
            case = {"{np}": "acc", "{nn}": "nom", "{ng}": "gen"}[part]
            out += noun_phrase(rng, product, alias, language, word_language, case, action, value,
                               marks, widely)
        elif part == "{p}":
            bare = noun_phrase(rng, product, alias, language, word_language, "acc", "add", None,
                               marks, widely)
            # An article, if any: not "a", and none after a word such as "no", "more" or "de".
            before = out[-1][0].split(" ")[-2:-1] if out else []
            if bare[0][1] == "O" and (bare[0][0] in ("a ", "an ", "some ") or
                                      before in (["no"], ["more"], ["de"], ["hay"])):
                bare = bare[1:]
            out += bare
        elif part == "{cl}":
            many = product.in_pairs if value is None else value > 1
            out.append([wide.pronoun(language, alias, many), "O"])
        elif part == "{n}":
            out.append([standalone_number(rng, language, value, marks), "Q"])
        elif part:
            out.append([part, "O"])
    for before, after in zip(out, out[1:]):
        # Spanish contractions: "de el" is "del", "a el" is "al".
        if (before[1] == after[1] == "O" and after[0] == "el "
                and re.search(r"\b(de|a) $", before[0])):
            before[0], after[0] = before[0][:-1] + "l ", ""
    return [piece for piece in out if piece[0]]


def wrap(rng, language, pieces, marks):
    """Greeting before, thanks, slang, an aside and an emoji after."""
    other = rng.pick(LANGUAGES) if rng.random() < 0.08 else language
    head, tail = [], []
    if rng.random() < 0.17:
        head.append(rng.pick(templates.GREETINGS[other]) + rng.pick([", ", ", ", " ", "! ", ". "]))
        marks.add("greeting")
    elif rng.random() < 0.08:
        head.append(rng.pick(templates.SLANG_BEFORE[other]) + rng.pick([" ", " ", ", "]))
        head[0] = head[0].replace(",,", ",").replace(", ,", ",")
        marks.add("slang")
    if rng.random() < 0.06:
        tail.append(rng.pick([" ", ", "]) + rng.pick(templates.ASIDES[language]))
        marks.add("distractor")
    if rng.random() < 0.20:
        tail.append(rng.pick([", ", " ", ", ", ". "]) + rng.pick(templates.POLITE[other]))
    elif rng.random() < 0.14:
        tail.append(rng.pick([" ", " ", ", "]) + rng.pick(templates.SLANG_AFTER[other]))
        marks.add("slang")
    if other != language and (head or tail):
        marks.add("code-switch")
    if rng.random() < 0.15 and noise.chat_words(rng, pieces, language):
        marks.add("slang")
    whole = [[text, "O"] for text in head] + pieces + [[text, "O"] for text in tail]
    last = whole[-1][0]
    if not last.endswith("?"):
        chance = rng.random()
        if chance < 0.30:
            whole.append([".", "O"])
        elif chance < 0.48:
            whole.append([rng.pick(templates.ENDINGS[language]), "O"])
            marks.add("punctuation")
    if rng.random() < 0.12:
        emoji = rng.pick(templates.EMOJIS) * rng.weighted({1: 6, 2: 2, 3: 1})
        if rng.random() < 0.15:
            whole.insert(0, [emoji + " ", "O"])
        else:
            whole.append([rng.pick([" ", " ", ""]) + emoji, "O"])
        marks.add("emoji")
    return whole


def example(rng, language, products, widely=False):
    """One example as a dictionary."""
    marks = set()
    action = rng.pick(["add", "remove"])
    if widely and rng.random() < MADE_UP:
        product = wide.made_up(rng)
    else:
        product = rng.pick(products)
    value = choose_quantity(rng)
    pieces = sentence(rng, language, action, product, value, marks, products, widely)
    pieces = noise.clean_spaces(wrap(rng, language, pieces, marks))
    chance = rng.random()
    if chance < 0.62:
        noise.capitalise(pieces)
    elif chance < 0.84:
        if noise.map_case(pieces, str.lower):
            marks.add("case")
    elif chance < 0.88:
        if noise.map_case(pieces, str.upper):
            marks.add("case")
    if rng.random() < (0.25 if language != "en" else 0.02) and noise.remove_diacritics(pieces):
        marks.add("no-diacritics")
    if rng.random() < 0.22 and noise.add_typos(rng, pieces, rng.weighted({1: 5, 2: 3, 3: 1})):
        marks.add("typo")
    if rng.random() < 0.05:
        for piece in pieces:
            if piece[1] == "O" and ("," in piece[0] or "¿" in piece[0]):
                piece[0] = re.sub("[,¿]", "", piece[0])
                marks.add("punctuation")
    return finish(noise.clean_spaces(pieces), action, product.name, value, language, marks)


def finish(pieces, action, name, value, language, marks):
    """The record of an example; the text of 'pieces' with the spans of product and quantity."""
    text, spans = "", {"product": None, "quantity": None}
    for part, tag in pieces:
        if tag != "O":
            spans["product" if tag == "P" else "quantity"] = [len(text), len(text) + len(part)]
        text += part
    return {"text": text, "action": action, "product": name,
            "quantity": 1 if value is None else value, "language": language,
            "noise": sorted(marks), "spans": spans,
            "byte_spans": {key: byte_span(text, span) for key, span in spans.items()}}


def byte_span(text, span):
    """A span of code points as one of UTF-8 bytes."""
    return span and [len(text[:at].encode()) for at in span]


def hard_wording():
    """What the additional rows keep away from: (masked sentences, runs of five words)."""
    import intent_hard  # which imports this file

    sentences = {overlap.masked(row) for row in intent_hard.read_hard()}
    return sentences, set().union(*(overlap.ngrams(words, 5) for words in sentences))


def generate(count, seed, products, extra=0):
    """'count' examples with different texts, the languages in turn, and 'extra' more widely."""
    sentences, runs = hard_wording() if extra else (set(), set())
    rng, more = Rng(f"intent {seed}"), Rng(f"intent, wide {seed}")
    seen, out = set(), []
    while len(out) < count + extra:
        if len(out) < count:
            made = example(rng, LANGUAGES[len(out) % 3], products)
        else:
            made = example(more, LANGUAGES[len(out) % 3], products, more.random() < WIDE)
            words = overlap.masked(made)
            if words in sentences or overlap.ngrams(words, 5) & runs:
                continue
        key = made["text"].casefold()
        if key not in seen:
            seen.add(key)
            out.append(made)
    return out


def split(examples, seed):
    """(train, test): a tenth of each language for the test, the order kept."""
    rng = Rng(f"split {seed}")
    chosen = set()
    for language in LANGUAGES:
        rows = [n for n, row in enumerate(examples) if row["language"] == language]
        chosen.update(rng.sample(rows, round(len(rows) * TEST_SHARE)))
    return ([row for n, row in enumerate(examples) if n not in chosen],
            [row for n, row in enumerate(examples) if n in chosen])


def write(path, text):
    """Through a temporary name, so that no half file is left."""
    with open(path + ".tmp", "w", encoding="utf-8", newline="\n") as out:
        out.write(text)
    os.replace(path + ".tmp", path)


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=6000,
                        help="examples, both files (default %(default)s)")
    parser.add_argument("--extra", type=int, default=0, metavar="N",
                        help="N examples more in train.jsonl, most of them of a wider generator "
                        "(intent_parts/wide.py); the test stays the same")
    parser.add_argument("--seed", type=int, default=1, help="(default %(default)s)")
    parser.add_argument("--out", metavar="DIR", help="folder of train.jsonl and test.jsonl")
    parser.add_argument("--tables", metavar="DIR",
                        help="write catalog.tsv and quantities.tsv there")
    args = parser.parse_args(argv)
    if not args.out and not args.tables:
        parser.error("nothing to do: give --out DIR or --tables DIR")
    if args.n < 30 or args.extra < 0:
        parser.error("--n: at least 30; --extra: at least 0")
    products = catalogue.read_products()
    for folder in filter(None, (args.out, args.tables)):
        os.makedirs(folder, exist_ok=True)
    if args.tables:
        write(os.path.join(args.tables, "catalog.tsv"), catalogue.catalogue_text(products))
        write(os.path.join(args.tables, "quantities.tsv"), quantities.table_text())
    if args.out:
        rows = generate(args.n, args.seed, products, args.extra)
        train, test = split(rows[:args.n], args.seed)
        train += rows[args.n:]
        write(os.path.join(args.out, "train.jsonl"), lines(train))
        write(os.path.join(args.out, "test.jsonl"), lines(test))
        print(f"{len(train)} + {len(test)} examples in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
