#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs over the same call from C.

    python/bench/calls.py BUILD TINY.rlv [MODEL.rlv]     from the source tree, after 'make'

Compiles calls.c with BUILD/librelevance.a and gives both the same texts, in turns, and prints the
best of the rounds (of all rounds: the median of the ratio for batches).  A tiny model shows the
overhead of classify(); predict() is timed on MODEL (default: the package's).  An idle machine, please.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "docs" / "examples" / "python")]

import relevance  # noqa: E402
from make_pairs import pairs  # noqa: E402


def c_seconds(program, model, path, single, batch):
    """The shortest round."""
    out = subprocess.run([program, str(model), str(path), str(single), str(batch)],
                         stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
    return min(map(float, out.split()))


def write(texts, path):
    path.write_text("".join("%s\t%s\n" % pair for pair in texts), "utf-8")
    return path


def best(call, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder with librelevance.a and librelevance.so")
    parser.add_argument("tiny", help="a tiny model, for the overhead of one call")
    parser.add_argument("model", nargs="?", help="the model for batches")
    parser.add_argument("--pairs", type=int, default=10000, help="pairs of the batch (default 10000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the batch (default 3)")
    parser.add_argument("--words", type=int, help="words of a title in the batch (default: all)")
    parser.add_argument("--skip-calls", action="store_true", help="the batch alone")
    a = parser.parse_args()
    model = a.model or relevance.default_model()
    with tempfile.TemporaryDirectory() as scratch:
        program = os.path.join(scratch, "calls")
        subprocess.run(["cc", "-O2", "-std=c11", "-D_POSIX_C_SOURCE=200809L",
                        "-I%s" % (ROOT / "include"), str(Path(__file__).with_name("calls.c")),
                        os.path.join(a.build, "librelevance.a"), "-lm", "-pthread", "-o", program],
                       check=True)
        if not a.skip_calls:
            texts = list(pairs(2000))
            path = write(texts, Path(scratch) / "calls.tsv")
            opened = relevance.Relevance(a.tiny)

            def one_by_one():
                for query, product in texts:
                    opened.classify(query, product)

            c = p = float("inf")
            for _ in range(5):
                c = min(c, c_seconds(program, a.tiny, path, 3, 0))
                p = min(p, best(one_by_one, 3))
            print("classify on %s: C %.2f us, Python %.2f us, overhead %.2f us a call"
                  % (Path(a.tiny).name, 1e6 * c / 2000, 1e6 * p / 2000, 1e6 * (p - c) / 2000))

        texts = list(pairs(a.pairs, a.words))
        path = write(texts, Path(scratch) / "batch.tsv")
        opened = relevance.Relevance(model)
        opened.predict(texts[:50])
        ratios = []
        for _ in range(a.rounds):
            c = c_seconds(program, model, path, 0, 1)
            start = time.perf_counter()
            opened.predict(texts)
            p = time.perf_counter() - start
            ratios.append(p / c)
            print("predict, %d pairs: C batch %.3f s, Python %.3f s, ratio %.4f"
                  % (a.pairs, c, p, p / c), flush=True)
        print("median ratio %.4f" % statistics.median(ratios))


if __name__ == "__main__":
    main()
