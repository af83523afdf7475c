#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks data/labelled.tsv, the project's own labelled pairs, and prints their counts.

    python3 tools/data/check_labelled.py data/labelled.tsv [--shared ../shared]

Columns, label and split names, empty cells, stray spaces, duplicates, queries in both splits or
in two categories, the number of pairs of each label, the size of the file.  With a folder of
public pairs (--shared; every .tsv below it that has the columns query and title is read): no
query and no title of ours is found there, so that neither is a copy and public test queries stay
unseen.  Exit status 0 when all is well, 1 with a line for each defect, 2 when the file cannot be
read.
"""
import argparse
import os
import re
import sys

import pairs

COLUMNS = ["query", "title", "label", "note", "split", "category"]
SPLITS = ("train", "test")
MAX_BYTES = 1000000


def defects(rows, least):
    """Lines that say what is wrong with the rows themselves."""
    found, split_of, category_of, seen = [], {}, {}, {}
    for row in rows:
        where = f"line {row['#']}"
        for column in COLUMNS:
            cell = row[column]
            if not cell and column != "note":
                found.append(f"{where}: empty {column}")
            if cell != pairs.clean(cell) or re.search(r"[\x00-\x1f\x7f]", cell):
                found.append(f"{where}: stray spaces or control characters in {column}")
        if row["label"] not in pairs.LABELS.values():
            found.append(f"{where}: label '{row['label']}'")
        if row["split"] not in SPLITS:
            found.append(f"{where}: split '{row['split']}'")
        query = pairs.query_key(row["query"])
        if split_of.setdefault(query, row["split"]) != row["split"]:
            found.append(f"{where}: query '{row['query']}' is in both splits")
        if category_of.setdefault(query, row["category"]) != row["category"]:
            found.append(f"{where}: query '{row['query']}' is in two categories")
        first = seen.setdefault(pairs.pair_key(row["query"], row["title"]), row["#"])
        if first != row["#"]:
            found.append(f"{where}: the pair of line {first} again")
    counts = pairs.tally(rows, "label")
    for label, number in least.items():
        if counts.get(label, 0) < number:
            found.append(f"{counts.get(label, 0)} {label} pairs, fewer than {number}")
    return found


def public_tables(folder):
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".tsv"):
                yield os.path.join(path, name)


def copied(rows, folder):
    """Lines for each query or title of ours that is in a public table, and the tables read."""
    queries = {pairs.query_key(r["query"]): r["#"] for r in rows}
    titles = {pairs.query_key(r["title"]): r["#"] for r in rows}
    found, read = [], 0
    for path in public_tables(folder):
        try:
            public = pairs.read_table(path, ["query", "title"])
        except pairs.DataError:
            continue  # another kind of table
        read += 1
        for row in public:
            for own, column in ((queries, "query"), (titles, "title")):
                line = own.get(pairs.query_key(row[column]))
                if line:
                    found.append(f"line {line}: its {column} is line {row['#']} of "
                                 f"{os.path.basename(path)}")
    return sorted(set(found)), read


def print_counts(rows):
    labels = list(pairs.LABELS.values())
    width = max(len(r["category"]) for r in rows)
    print(f"{'':{width}}  " + "  ".join(f"{label:>10}" for label in labels) + "       all")
    groups = [("split", s) for s in SPLITS] + \
        [("category", c) for c in pairs.tally(rows, "category")]
    for column, value in groups + [(None, "all")]:
        some = [r for r in rows if column is None or r[column] == value]
        counts = pairs.tally(some, "label")
        print(f"{value:{width}}  " + "  ".join(f"{counts.get(label, 0):10}" for label in labels) +
              f"{len(some):10}")
    print(f"{len({r['query'] for r in rows})} queries, "
          f"{len(pairs.tally(rows, 'category'))} categories")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--shared", metavar="DIR", help="folder of public pairs to compare with")
    parser.add_argument("--least", default="400,350,250,350", metavar="E,S,C,I",
                        help="least number of pairs of each label (400,350,250,350)")
    parser.add_argument("--quiet", action="store_true", help="one line instead of the table")
    args = parser.parse_args()
    try:
        numbers = [int(n) for n in args.least.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        parser.error("--least needs four numbers")
    try:
        rows = pairs.read_table(args.file, COLUMNS)
        size = os.path.getsize(args.file)
    except (pairs.DataError, OSError) as error:
        print(f"check_labelled.py: {error}", file=sys.stderr)
        sys.exit(2)
    found = defects(rows, dict(zip(pairs.LABELS.values(), numbers)))
    if size > MAX_BYTES:
        found.append(f"{size} bytes, more than {MAX_BYTES}")
    compared = ""
    if args.shared and os.path.isdir(args.shared):
        more, read = copied(rows, args.shared)
        found += more
        compared = f", compared with {read} public tables"
    for line in found:
        print(f"{args.file}: {line}", file=sys.stderr)
    if args.quiet:
        print(f"check_labelled: {len(rows)} pairs, {len(found)} defects{compared}")
    else:
        print_counts(rows)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
