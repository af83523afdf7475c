#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files that the default relevance model is trained on, out of labelled and synthetic pairs.

    relevance_sets.py --labelled train.tsv --synthetic synth/train.tsv --out build/train/sets

The labelled pairs (columns query, title, label, source) come from several collections.  Some show
labels as often as a shop does, which is what the model will meet; others are mostly of one label.
--natural names the sources of the first kind, by how their names begin.  Written are, as query,
title, label:

    nat.tsv    the natural sources, less
    cal.tsv    a fifth of their queries: it stops the training and calibrates the model
    oth.tsv    the other sources, less queries of cal.tsv
    synth.tsv  the pairs of a --share of the synthetic queries

With --pairs and --own also, as query and title, what teachers are asked about (teach.py probabilities):

    pool.tsv   the --pairs, nat.tsv, oth.tsv, the training part of --own and 4,000 of synth.tsv, each
               pair once, less the queries of cal.tsv and of the test part of --own

The same files for the same input.  Standard library only.
"""
import argparse
import csv
import hashlib
import itertools
import os
import random
import sys


def read(path, columns):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for line, row in enumerate(rows, 2):
        missing = [c for c in columns if not row.get(c)]
        if missing:
            raise ValueError(f"{path}:{line}: no {missing[0]}")
    if not rows:
        raise ValueError(f"{path}: no rows")
    return rows


def write(folder, name, rows, columns=("query", "title", "label")):
    path = os.path.join(folder, name)
    with open(path + ".tmp", "w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(row) + "\n" for row in [columns, *([r[c] for c in columns] for r in rows)])
    os.replace(path + ".tmp", path)
    print(f"{name}: {len(rows)} pairs")


def draw(query):
    """A number in [0, 1) that depends on the query alone."""
    digest = hashlib.sha256(("c" + query.lower()).encode()).digest()
    return int.from_bytes(digest[:4], "little") / 2**32


def pool(pairs, labelled, own, synthetic, held_queries):
    """Rows with a query and a title, each pair once."""
    some = synthetic[:]
    random.Random(1).shuffle(some)
    away = held_queries | {r["query"].lower() for r in own if r["split"] == "test"}
    rows = itertools.chain(pairs, labelled, (r for r in own if r["split"] == "train"), some[:4000])
    once = {(r["query"], r["title"]): r for r in rows if r["query"].lower() not in away}
    return list(once.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", required=True, metavar="FILE.tsv")
    parser.add_argument("--synthetic", required=True, metavar="FILE.tsv")
    parser.add_argument("--natural", default="ratansairohith,ecguide", metavar="PREFIX,...")
    parser.add_argument("--share", type=float, default=.5)
    parser.add_argument("--pairs", metavar="FILE.tsv", help="of teach.py cosine; with --own")
    parser.add_argument("--own", metavar="FILE.tsv", help="data/labelled.tsv; with --pairs")
    parser.add_argument("--out", required=True, metavar="DIR")
    args = parser.parse_args()
    if (args.pairs is None) != (args.own is None):
        parser.error("--pairs and --own: one needs the other")
    try:
        labelled = read(args.labelled, ("query", "title", "label", "source"))
        synthetic = read(args.synthetic, ("query", "title", "label"))
        if args.pairs is not None:
            pairs, own = read(args.pairs, ("query", "title")), read(args.own, ("query", "title", "split"))
        prefixes = tuple(args.natural.split(","))
        natural = [r for r in labelled if r["source"].startswith(prefixes)]
        held = [r for r in natural if draw(r["query"]) < .2]
        held_queries = {r["query"].lower() for r in held}
        queries = sorted({r["query"] for r in synthetic})
        random.Random(1).shuffle(queries)
        chosen = set(queries[:int(len(queries) * args.share)])
        os.makedirs(args.out, exist_ok=True)
        kept = [r for r in natural if draw(r["query"]) >= .2]
        other = [r for r in labelled
                 if not r["source"].startswith(prefixes) and r["query"].lower() not in held_queries]
        shown = [r for r in synthetic if r["query"] in chosen]
        write(args.out, "nat.tsv", kept)
        write(args.out, "cal.tsv", held)
        write(args.out, "oth.tsv", other)
        write(args.out, "synth.tsv", shown)
        if args.pairs is not None:
            write(args.out, "pool.tsv", pool(pairs, kept + other, own, shown, held_queries),
                  ("query", "title"))
    except (OSError, ValueError) as error:
        print(f"relevance_sets: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
