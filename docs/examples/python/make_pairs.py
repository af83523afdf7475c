#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a large table of pairs for the cluster examples: each query of data/samples.tsv with each
title, numbered variants of the titles where that is not enough.

    make_pairs.py 100000 pairs.tsv
    make_pairs.py 100000 short.tsv --words 4
"""
import argparse
import itertools
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[3] / "data" / "samples.tsv"


def pairs(n, words=None):
    rows = [line.split("\t")[:2] for line in SAMPLES.read_text("utf-8").splitlines()[1:]]
    queries = list(dict.fromkeys(q for q, _ in rows))
    titles = list(dict.fromkeys(" ".join(t.split()[:words]) for _, t in rows))
    everything = ((q, t if v == 0 else "%s, No. %d" % (t, v))
                  for v in itertools.count() for t in titles for q in queries)
    return itertools.islice(everything, n)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int, help="number of pairs")
    parser.add_argument("output", help="TSV file with the columns query and title")
    parser.add_argument("--words", type=int, metavar="N",
                        help="keep the first N words of a title (default: all)")
    arguments = parser.parse_args()
    with open(arguments.output, "w", encoding="utf-8") as f:
        f.write("query\ttitle\n")
        f.writelines("%s\t%s\n" % pair for pair in pairs(arguments.n, arguments.words))


if __name__ == "__main__":
    main()
