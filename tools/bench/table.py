#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What this machine does: 'relevance bench' for each model, number of threads and of tokens.

Prints one table: p50 and p95 of a call, pairs a second, 10^9 multiply-adds of the network a second and
their share of what the cores could multiply from registers alone (bench_peak).  Then how the cost
grows: a call of 8 to 512 tokens with the share of attention, and batches of 1 to 256 pairs.

Needs the Python standard library.  Exit status: 0, or 2 where a program fails.
"""
import argparse
import json
import pathlib
import platform
import subprocess
import sys


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"table.py: {command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def bench(args, model, *options):
    lines = run([args.relevance, "bench", model, "--seconds", args.seconds, "--json", *options])
    return [json.loads(line) for line in lines.splitlines() if line.startswith("{")]


def peak_of(peaks, row):
    """10^9 multiply-adds a second that one core can do in this model's kind of arithmetic."""
    floats = row["weights"] in ("f32", "f16")
    isa = "avx512" if row["isa"] in ("avx512vnni", "amx") and floats else row["isa"]
    return peaks.get(isa + "_f32" if floats else isa)


def print_rows(rows, peaks):
    print(f"{'weights':8}{'isa':12}{'threads':>8}{'tokens':>8}{'p50 ms':>9}{'p95 ms':>9}"
          f"{'pairs/s':>9}{'GMAC/s':>8}{'of peak':>9}")
    for row in rows:
        peak = peak_of(peaks, row)
        share = f"{row['gmac_per_s'] / peak / row['threads']:.0%}" if peak else "-"
        print(f"{row['weights']:8}{row['isa']:12}{row['threads']:8}{row['tokens']:8}"
              f"{row['p50_ms']:9.2f}{row['p95_ms']:9.2f}{row['pairs_per_s']:9.1f}"
              f"{row['gmac_per_s']:8.1f}{share:>9}")


def attention_share(args, model, tokens):
    text = run([args.relevance, "bench", model, "--seconds", args.seconds, "--threads", 1,
                "--tokens", tokens, "--profile"])
    return next(line.split()[2] for line in text.splitlines() if line.split()[:1] == ["attention"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="+", help=".rlv files; the first one is the one that grows")
    parser.add_argument("--relevance", default="build/relevance", help="the program")
    parser.add_argument("--peak", default="build/bench_peak", help="the program bench_peak")
    parser.add_argument("--tokens", default="16,32,64,128")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure (default 1)")
    args = parser.parse_args()

    peaks = json.loads(run([args.peak]))
    print(f"{cpu_name()}; peak of one core, 10^9 multiply-adds a second: "
          + ", ".join(f"{k} {v:.0f}" for k, v in peaks.items()))
    rows = [row for model in args.models
            for row in bench(args, model, "--tokens", args.tokens, "--threads", args.threads)]
    print_rows(rows, peaks)
    print("\nlonger texts, one thread:")
    print(f"{'tokens':>8}{'p50 ms':>9}{'ms/token':>10}{'attention':>11}")
    for tokens in (8, 16, 32, 64, 128, 256, 512):
        row, = bench(args, args.models[0], "--tokens", tokens, "--threads", 1)
        share = attention_share(args, args.models[0], tokens)
        print(f"{tokens:8}{row['p50_ms']:9.2f}{row['p50_ms'] / tokens:10.4f}{share + ' %':>11}")
    print("\nbatches of pairs of 32 tokens, one thread:")
    print(f"{'pairs':>8}{'p50 ms':>9}{'pairs/s':>9}")
    for pairs in (1, 4, 16, 64, 256):
        row, = bench(args, args.models[0], "--tokens", 32, "--threads", 1, "--batch", pairs)
        print(f"{pairs:8}{row['p50_ms']:9.2f}{row['pairs_per_s']:9.1f}")


if __name__ == "__main__":
    main()
