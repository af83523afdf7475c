#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the hand-written harder test of the shopping intent into JSON lines and a catalogue.

    python3 tools/synth/intent_hard.py --out data/intent     hard.jsonl and hard_catalog.tsv

Reads intent_parts/hard.txt (its head explains the notation) and intent_parts/hard_products.tsv.
The fields of a line are those of tools/synth/intent.py; nothing of the generator is used.
"""
import argparse
import os
import re
import sys

import intent
from intent_parts import catalogue

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "intent_parts")


def parse_line(line, language):
    """One line of hard.txt as a record; ValueError says what is wrong."""
    fields = line.split("|")
    if len(fields) != 5 or fields[0] not in ("+", "-"):
        raise ValueError("five fields expected, the first + or -")
    sign, name, quantity, noise, marked = fields
    pieces = [[part[1:-1], "P"] if part.startswith("[") else
              [part[1:-1], "Q"] if part.startswith("{") else [part, "O"]
              for part in re.split(r"(\[[^]]*\]|{[^}]*})", marked) if part]
    tags = [tag for _, tag in pieces]
    if tags.count("P") != 1 or tags.count("Q") > 1:
        raise ValueError("one [product] and at most one {quantity} expected")
    return intent.finish(pieces, {"+": "add", "-": "remove"}[sign], name,
                         int(quantity) if "Q" in tags else None, language,
                         set(noise.split(",")) - {""})


def read_hard(path=os.path.join(HERE, "hard.txt")):
    """The records of the file, in its order."""
    records, language = [], None
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("# "):
                continue
            if line.startswith("@"):
                language = line[1:]
                continue
            try:
                records.append(parse_line(line, language))
            except ValueError as error:
                raise ValueError(f"{path}: line {number}: {error}") from error
    return records


def hard_products():
    return catalogue.read_products(os.path.join(HERE, "hard_products.tsv"))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the two files")
    args = parser.parse_args(argv)
    intent.write(os.path.join(args.out, "hard.jsonl"), intent.lines(read_hard()))
    intent.write(os.path.join(args.out, "hard_catalog.tsv"),
                 catalogue.catalogue_text(hard_products()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
