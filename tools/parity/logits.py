#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare a sequence classifier's logits with those of transformers in f32.

The reference is either a .jsonl file, one {"ids": [...], "logits": [...]} for each row of --pairs
(--reference), or computed now from a Hugging Face folder (--checkpoint; needs transformers).

Prints: the number of pairs; how many token sequences differ; the largest logit difference; the mean
and the largest change of a probability; how many labels stay the same; each changed label with its
f32 margin (largest minus second largest probability); the accuracy of both where --pairs has
labels.

Exit status: 0, or 1 where a limit does not hold, or 2 where something is missing.
"""
import argparse
import json

import numpy as np

import rlv

EXAMPLES = """examples:
  logits.py build/peers/esci-distilbert/f32.rlv --f32
  logits.py build/peers/esci-distilbert/q7.rlv --q8 --isa scalar
  logits.py build/own.rlv --checkpoint build/own-checkpoint --pairs data/samples.tsv
  logits.py build/peers/esci-distilbert/q7.rlv --mean-dp .01 --same .97
"""


def reference_from_file(path):
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return [r["ids"] for r in rows], np.array([r["logits"] for r in rows])


def reference_from_checkpoint(folder, pairs):
    import torch
    import transformers
    torch.set_num_threads(2)
    transformers.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids, logits = [], []
    with torch.inference_mode():
        for query, product in pairs:
            encoded = tokenizer(query, product, truncation="longest_first", return_tensors="pt",
                                max_length=model.config.max_position_embeddings)
            ids.append(encoded["input_ids"][0].tolist())
            logits.append(model(**encoded).logits[0].double().numpy())
    return ids, np.stack(logits)


def ours(args, pairs):
    with rlv.Model(rlv.Library(args.lib), args.model) as model:
        with rlv.Context(model, isa=args.isa, threads=args.threads, parse_special=True,
                         f32_gemm=args.f32_gemm) as ctx:
            print(f"{args.model}: {model.info.weights.decode()} weights, {ctx.isa}, "
                  f"{args.threads} thread(s)")
            return [ctx.tokenize(*p) for p in pairs], ctx.classify_batch(pairs), model.labels


def accuracy(labels, gold, names):
    """Share of rows whose label agrees; gold labels are full names or first letters."""
    letters = [name[:1] for name in names]
    want = [names.index(g) if g in names else letters.index(g) for g in gold]
    return float(np.mean(labels == np.array(want)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a .rlv file")
    parser.add_argument("--pairs", default=rlv.SHARED / "data/esci/dev.tsv",
                        help="TSV with query, title and, maybe, label "
                             "(default: ../shared/data/esci/dev.tsv)")
    parser.add_argument("--reference", default=rlv.SHARED / "models/esci-distilbert.dev.jsonl",
                        help="ids and logits, a line a pair "
                             "(default: ../shared/models/esci-distilbert.dev.jsonl)")
    parser.add_argument("--checkpoint", help="compute the reference from this folder instead")
    rlv.add_common_options(parser)
    limits = parser.add_argument_group("limits (without one, the figure is only printed)")
    limits.add_argument("--f32", action="store_true", help="--max-logit 1e-4 --same 1")
    limits.add_argument("--q8", action="store_true",
                        help="--mean-dp .005 --max-dp .08 --same .98 --margin .1 --accuracy .005")
    limits.add_argument("--max-logit", type=float, help="largest logit difference")
    limits.add_argument("--mean-dp", type=float, help="mean change of a probability")
    limits.add_argument("--max-dp", type=float, help="largest change of a probability")
    limits.add_argument("--same", type=float, help="least share of labels that stay the same")
    limits.add_argument("--margin", type=float, help="largest f32 margin of a changed label")
    limits.add_argument("--accuracy", type=float, help="largest loss or gain of accuracy")
    args = parser.parse_args()
    presets = {}
    if args.f32:
        presets = {"max_logit": 1e-4, "same": 1.0}
    if args.q8:
        presets = {"mean_dp": .005, "max_dp": .08, "same": .98, "margin": .1, "accuracy": .005}
    for name, value in presets.items():
        if getattr(args, name) is None:
            setattr(args, name, value)

    rows = rlv.read_tsv(args.pairs)
    pairs = rlv.pairs_of(rows)
    if args.checkpoint:
        want_ids, want = reference_from_checkpoint(args.checkpoint, pairs)
    else:
        want_ids, want = reference_from_file(args.reference)
    if len(want_ids) != len(pairs):
        raise rlv.Failure(f"{len(want_ids)} reference rows for {len(pairs)} pairs")
    got_ids, got, names = ours(args, pairs)

    checks = rlv.Checks()
    p, q = rlv.softmax(want), rlv.softmax(got)
    before, after = p.argmax(1), q.argmax(1)
    margins = np.diff(np.sort(p, 1)[:, -2:], axis=1)[:, 0]
    changed = np.flatnonzero(before != after)
    checks.show("pairs", len(pairs), "%d")
    checks.show("token sequences that differ", sum(a != b for a, b in zip(got_ids, want_ids)), "%d",
                limit=0)
    checks.show("largest |logit difference|", np.abs(got - want).max(), "%.3g", args.max_logit)
    checks.show("mean |probability change|", np.abs(q - p).mean(), "%.5f", args.mean_dp)
    checks.show("largest |probability change|", np.abs(q - p).max(), "%.4f", args.max_dp)
    checks.show("same label", float(np.mean(before == after)), "%.4f", args.same, at_least=True)
    for i in changed:
        print(f"  row {i + 1}: {names[before[i]]} -> {names[after[i]]}, "
              f"f32 margin {margins[i]:.4f}: {pairs[i][0]} | {pairs[i][1][:60]}")
    checks.show("largest f32 margin of those", margins[changed].max(initial=0), "%.4f", args.margin)
    if rows and rows[0].get("label"):
        gold = [r["label"] for r in rows]
        a, b = accuracy(before, gold, names), accuracy(after, gold, names)
        checks.show("accuracy f32", a, "%.4f")
        checks.show("accuracy", b, "%.4f")
        checks.show("|accuracy difference|", abs(a - b), "%.4f", args.accuracy)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    rlv.run(main)
