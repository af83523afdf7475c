#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Merges public, synthetic and own pairs into the files that training reads.

    python3 tools/data/build_sets.py --out build/sets --dev ../shared/data/esci/dev.tsv \\
        --source ../shared/data/esci/train.tsv --source build/synth/train.tsv:10000 \\
        --source data/labelled.tsv

Each --source is a table with the columns query, title, label (names or first letters) and, if it
likes, source and split: rows whose split is "test" are left out.  'FILE:N' takes N of its pairs,
drawn by query (all pairs of a query or none) from --seed.  --dev tables are held out: no pair of
theirs, and no pair of a query of theirs, gets into training, whatever source repeats it; queries
are compared without case, spacing and word order.  Without --dev, --dev-share of the queries is
held out.  --held-out tables are kept out the same way, but not written: other test sets.

A pair that sources give twice is taken from the first that has it; if they disagree on its label
it is dropped.

Writes train.tsv and dev.tsv (query, title, label as E, S, C, I, source) and manifest.json: for
each input its SHA-256, pairs read, taken and dropped, for each output its SHA-256 and counts.
Standard library only; the same files for the same inputs and seed.
"""
import argparse
import hashlib
import json
import os
import sys

import pairs

COLUMNS = ["query", "title", "label", "source"]


def bag(query):
    return " ".join(sorted(pairs.query_key(query).split()))


def draw(seed, query):
    """A number in [0, 1) that depends on the seed and the query's words alone."""
    digest = hashlib.sha256(f"{seed}\t{bag(query)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0 ** 64


def load(path):
    rows = []
    name = os.path.splitext(os.path.basename(path))[0]
    for row in pairs.read_table(path, ["query", "title", "label"]):
        if row.get("split") == "test":
            continue
        label = pairs.letter(row["label"])
        if label is None:
            raise pairs.DataError(f"{path}:{row['#']}: label '{row['label']}'")
        query, title = pairs.clean(row["query"]), pairs.clean(row["title"])
        if query and title:
            rows.append({"query": query, "title": title, "label": label,
                         "source": pairs.clean(row.get("source") or name)})
    return rows


def sample(rows, count, seed):
    """'count' rows at most, whole queries, in their order in the file."""
    taken, total = set(), 0
    of_query = {}
    for row in rows:
        of_query.setdefault(bag(row["query"]), []).append(row)
    for query in sorted(of_query, key=lambda q: (draw(seed, q), q)):
        if total + len(of_query[query]) <= count:
            taken.add(query)
            total += len(of_query[query])
    return [r for r in rows if bag(r["query"]) in taken]


def file_entry(path, rows):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"file": os.path.basename(path), "sha256": digest, "pairs": len(rows)}


def build(sources, dev_paths, held_paths, dev_share, seed):
    manifest = {"seed": seed, "inputs": []}
    dev, held = [], set()
    for path in dev_paths + held_paths:
        rows = load(path)
        # A test split is held out as well: load() has left it out, its queries must be, too.
        held |= {bag(r["query"]) for r in pairs.read_table(path, ["query"])}
        entry = file_entry(path, rows)
        entry["use"] = "dev" if path in dev_paths else "held out"
        manifest["inputs"].append(entry)
        if path in dev_paths:
            dev += rows
    train, label_of, disagreeing = [], {}, set()
    for path, count in sources:
        rows = load(path)
        entry = file_entry(path, rows)
        entry.update(use="train", held_out=0, copies=0, taken=0)
        test = {bag(r["query"]) for r in pairs.read_table(path, ["query"])
                if r.get("split") == "test"}
        if count is not None:
            rows = sample(rows, count, seed)
            entry["drawn"] = len(rows)
        for row in rows:
            if bag(row["query"]) in held or bag(row["query"]) in test:
                entry["held_out"] += 1
                continue
            key = pairs.pair_key(row["query"], row["title"])
            if key in label_of:
                entry["copies"] += 1
                if label_of[key] != row["label"]:
                    disagreeing.add(key)
                continue
            label_of[key] = row["label"]
            train.append(row)
            entry["taken"] += 1
        held |= test
        manifest["inputs"].append(entry)
    # A later source's test split binds the earlier sources, too.
    before = len(train)
    train = [r for r in train if bag(r["query"]) not in held and
             pairs.pair_key(r["query"], r["title"]) not in disagreeing]
    manifest["dropped_at_the_end"] = before - len(train)
    if not dev_paths:
        dev = [r for r in train if draw(f"dev {seed}", r["query"]) < dev_share]
        train = [r for r in train if draw(f"dev {seed}", r["query"]) >= dev_share]
    return train, dev, manifest


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", action="append", required=True, metavar="FILE[:N]")
    parser.add_argument("--dev", action="append", default=[], metavar="FILE")
    parser.add_argument("--held-out", action="append", default=[], metavar="FILE")
    parser.add_argument("--dev-share", type=float, default=0.05, help="without --dev (0.05)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, metavar="DIR")
    args = parser.parse_args()
    if not 0 < args.dev_share < 1:
        parser.error("--dev-share lies between 0 and 1")
    sources = []
    for text in args.source:
        path, _, count = text.rpartition(":")
        sources.append((path, int(count)) if path and count.isdigit() else (text, None))
    try:
        train, dev, manifest = build(sources, args.dev, args.held_out, args.dev_share, args.seed)
        if not train or not dev:
            raise pairs.DataError(f"{len(train)} training and {len(dev)} dev pairs are left")
        for name, rows in (("train", train), ("dev", dev)):
            path = os.path.join(args.out, name + ".tsv")
            digest = pairs.write_table(path, COLUMNS, rows)
            manifest[name] = {"sha256": digest, "pairs": len(rows),
                              "queries": len({bag(r["query"]) for r in rows}),
                              "labels": pairs.tally(rows, "label"),
                              "sources": pairs.tally(rows, "source")}
            print(f"{path}: {len(rows)} pairs {manifest[name]['labels']}")
        path = os.path.join(args.out, "manifest.json")
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        os.replace(path + ".part", path)
    except (pairs.DataError, OSError) as error:
        print(f"build_sets.py: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
