#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory table of docs/boards.md: a row for each model file.

    python/bench/memory.py MODEL.rlv...       from the source tree, after 'make'

Each cell is a process of its own: what opening the model and one call on the longest text add to its
anonymous memory (/proc/self/smaps_rollup, Linux), beside the mapped file; one thread.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import relevance  # noqa: E402


def anonymous_kib():
    return int(re.search(r"^Anonymous:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text(),
                         re.M).group(1))


def measure(path, tokens):
    """MB that a model opened for so many tokens takes; runs in a process of its own."""
    query, product = "shoe " * tokens, "running " * tokens
    before = anonymous_kib()
    model = relevance.Relevance(path, max_tokens=tokens)
    if model.labels:
        model.classify(query, product)
    else:
        model.encode(query, product)
    return (anonymous_kib() - before) * 1024e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.rlv")
    parser.add_argument("--tokens", type=int, help=argparse.SUPPRESS)  # for the processes below
    a = parser.parse_args()
    if a.tokens:
        print("%.3f" % measure(a.models[0], a.tokens))
        return
    print("| model | file, mapped | private, 64 tokens | private, 512 tokens | in all, 64 tokens |")
    print("|---|---|---|---|---|")
    for path in a.models:
        info = relevance.Relevance(path).info
        private = [float(subprocess.run(
            [sys.executable, __file__, "--tokens", str(min(n, info.max_tokens)), path],
            stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout) for n in (64, 512)]
        megabytes = info.file_bytes / 1e6
        print("| %s: %d layers, hidden %d, %s, embeddings %s | %.1f MB | %.1f MB | %.1f MB | %.0f MB |"
              % (os.path.basename(path), info.layers, info.hidden_size, info.weights,
                 info.embeddings, megabytes, *private, megabytes + private[0]))


if __name__ == "__main__":
    main()
