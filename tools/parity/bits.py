#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that a quantised model gives the same bits however it is run.

The logits of the first --limit pairs of data/samples.tsv (and of --pairs) are computed for each
instruction set that this CPU and this build have, in batches of 1, 7 and 64 in shuffled orders,
with 1 and 2 threads, and one pair at a time through relevance_classify().  Each run is one SHA-256
over all logits (float32, little-endian, in the order of the file); all must be equal.  Print the
table, and fail on any difference.  --lib takes another build, e.g. one with SIMDE=1, and --expect
its hash.

Exit status: 0, or 1 where two hashes differ, or 2 where something is missing.
"""
import argparse
import hashlib
import random
import time

import numpy as np

import rlv

EXAMPLES = """examples:
  bits.py data/default.rlv
  bits.py data/default.rlv --lib build-simde/librelevance.so --expect HASH
  bits.py data/default.rlv --pairs ../shared/data/esci/dev.tsv --limit 0 --isa avx2
"""


def logits_in_batches(ctx, pairs, batch, rng):
    """Logits in the order of 'pairs', computed in a shuffled order, 'batch' pairs a call."""
    order = list(range(len(pairs)))
    rng.shuffle(order)
    out = np.empty((len(pairs), ctx.model.info.label_n), np.float32)
    for i in range(0, len(order), batch):
        chunk = order[i:i + batch]
        out[chunk] = ctx.classify_batch([pairs[j] for j in chunk])
    return out


def digest(logits):
    return hashlib.sha256(logits.astype("<f4").tobytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=rlv.ROOT / "data/default.rlv",
                        help="a .rlv file (default: data/default.rlv)")
    parser.add_argument("--lib", help="the shared library (default: build/librelevance.so)")
    parser.add_argument("--pairs", help="a TSV whose pairs are added")
    parser.add_argument("--limit", type=int, default=32,
                        help="only the first N pairs; 0: all (default: 32, since the scalar "
                             "kernels take a second a pair)")
    parser.add_argument("--isa", action="append", choices=rlv.ISAS[1:],
                        help="only this instruction set (may be repeated; default: all)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 7, 64], metavar="N")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="T")
    parser.add_argument("--seed", type=int, help="of the orders (default: a new one, printed)")
    parser.add_argument("--expect", help="the hash that all must have")
    args = parser.parse_args()

    seed = random.randrange(1 << 32) if args.seed is None else args.seed
    rng = random.Random(seed)
    pairs = rlv.pairs_of(rlv.read_tsv(rlv.ROOT / "data/samples.tsv"))
    if args.pairs:
        pairs += rlv.pairs_of(rlv.read_tsv(args.pairs))
    pairs = pairs[:args.limit or None]

    library = rlv.Library(args.lib)
    hashes = set()
    with rlv.Model(library, args.model) as model:
        print(f"{args.model}: {model.info.weights.decode()} weights, {len(pairs)} pairs, "
              f"seed {seed}")
        print(f"{'isa':<12} {'threads':>7} {'batch':>8} {'seconds':>8}  sha256")
        for isa in args.isa or library.isas():
            for threads in args.threads:
                with rlv.Context(model, isa=isa, threads=threads) as ctx:
                    for batch in ["classify"] + args.batch:
                        start = time.monotonic()
                        if batch == "classify":
                            logits = np.stack([ctx.classify(*p) for p in pairs])
                        else:
                            logits = logits_in_batches(ctx, pairs, batch, rng)
                        if not np.isfinite(logits).all():
                            raise rlv.Failure(f"{isa}: a logit is not finite")
                        hashes.add(digest(logits))
                        print(f"{isa:<12} {threads:>7} {batch:>8} "
                              f"{time.monotonic() - start:>8.2f}  {digest(logits)}", flush=True)
    if len(hashes) != 1:
        print(f"FAILED: {len(hashes)} different hashes")
        return 1
    if args.expect and hashes != {args.expect}:
        print(f"FAILED: expected {args.expect}")
        return 1
    print("all equal")
    return 0


if __name__ == "__main__":
    rlv.run(main)
