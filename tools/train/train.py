#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fine-tune an encoder: relevance of query-product pairs, shopping intent, or similarity.

examples (README.md has the recipes that made the shipped models):
  train.py relevance  --encoder build/train/distilbert-init --train train.tsv --dev dev.tsv --out DIR
  train.py similarity --encoder build/train/distilbert-init --train cosine.tsv --out DIR
  train.py intent     --encoder build/train/minilm --train train.jsonl --dev dev.jsonl --out DIR
  train.py evaluate   --model DIR/model --data test.tsv

Interrupted, the same command goes on where it was.  'torchrun --nproc-per-node 2 train.py ...' shares
the batches among two processes.  DIR/model is a folder for 'relevance convert'.
"""
import argparse
import json
import logging
import sys

import numpy as np
import torch

import data
import encoders
import scores
import tasks
import trainer


def files_and_weights(specs):
    """FILE or FILE=WEIGHT."""
    out = []
    for spec in specs:
        path, _, weight = spec.partition("=")
        out.append((path, float(weight) if weight else 1.0))
    return out


def class_weights(rows, prior, power):
    """(prior / share in the training rows) ** power, so that the weighted rows have that prior at
    power 1, and their own at 0."""
    share = np.mean([r.target for r in rows], axis=0)
    if np.any(share == 0):
        raise SystemExit("a label has no training rows")
    weights = (np.array(prior) / np.sum(prior) / share) ** power
    return (weights / (weights * share).sum()).tolist()


def start(args, model_of):
    trainer.join_processes(args.device)
    torch.manual_seed(args.seed if args.head_seed is None else args.head_seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    tokenizer = encoders.tokenizer_of(args.start)
    model = model_of()
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout",
                 "attention_dropout", "seq_classif_dropout"):
        if hasattr(model.config, name):
            setattr(model.config, name, args.dropout)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = args.dropout
    return model, tokenizer


def finish(run):
    card = run.run()
    if trainer.rank() > 0:
        return 0
    if card is None:
        print(f"stopped at step {run.step} of {run.total}; the same command goes on")
        return 0
    print(json.dumps(card["scores"]))
    return 0


def relevance(args):
    labels = args.labels.split(",")
    model, tokenizer = start(args, lambda: encoders.sequence_model(args.start, labels))
    sources = files_and_weights(args.train)
    rows = [r for path, weight in sources
            for r in data.pair_rows(path, labels, tokenizer, args.max_tokens, weight, True)]
    files = [path for path, _ in sources]
    if args.dev:
        dev = data.pair_rows(args.dev, labels, tokenizer, args.max_tokens)
        files.append(args.dev)
    else:
        rows, dev = data.split_by_query(rows, args.hold_out)
    prior = [float(p) for p in args.prior.split(",")]
    if len(prior) != len(labels):
        raise SystemExit(f"--prior has {len(prior)} numbers for {len(labels)} labels")
    task = tasks.Relevance(tokenizer, model.config, labels, args.label_smoothing,
                           class_weights(rows, prior, args.prior_power), args.select)
    return finish(trainer.Run(args, model, tokenizer, task, rows, dev, data.hashes(files)))


def similarity(args):
    model, tokenizer = start(args, lambda: encoders.sequence_model(args.start, ["similarity"]))
    rows = data.number_rows(args.train, args.column, tokenizer, args.max_tokens)
    rows, dev = data.split_by_query(rows, args.hold_out)
    task = tasks.Similarity(tokenizer, model.config)
    return finish(trainer.Run(args, model, tokenizer, task, rows, dev, data.hashes([args.train])))


def intent(args):
    labels, token_labels = args.labels.split(","), args.token_labels.split(",")
    model, tokenizer = start(
        args, lambda: encoders.joint_model(args.start, labels, token_labels))
    read = lambda path, weight=1.0: data.intent_rows(path, labels, token_labels, tokenizer,
                                                     args.max_tokens, weight)
    sources = files_and_weights(args.train)
    rows = [r for path, weight in sources for r in read(path, weight)]
    task = tasks.Intent(tokenizer, model.config, labels, token_labels, args.label_smoothing)
    return finish(trainer.Run(args, model, tokenizer, task, rows, read(args.dev),
                              data.hashes([p for p, _ in sources] + [args.dev])))


def evaluate(args):
    if args.threads:
        torch.set_num_threads(args.threads)
    model, tokenizer = encoders.load(args.model).to(args.device), encoders.tokenizer_of(args.model)
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    joint = getattr(model.config, "token_id2label", None)
    if joint:
        token_labels = [l for _, l in sorted((int(i), l) for i, l in joint.items())]
        rows = data.intent_rows(args.data, labels, token_labels, tokenizer, args.max_tokens)
        task = tasks.Intent(tokenizer, model.config, labels, token_labels, 0)
        found = trainer.predict(model, rows, task, progress=True)
        for w in task.wrong(found, rows)[:args.show_wrong]:
            print(json.dumps(w, ensure_ascii=False), file=sys.stderr)
    else:
        rows = data.pair_rows(args.data, labels, tokenizer, args.max_tokens)
        task = tasks.Relevance(tokenizer, model.config, labels, 0, [1] * len(labels), "macro_f1")
        found = trainer.predict(model, rows, task, progress=True)
        if args.logits:
            np.save(args.logits, np.stack(found))
    print(json.dumps(task.final(found, rows), ensure_ascii=False))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(required=True, metavar="TASK")

    p = sub.add_parser("relevance", help="one label for a pair")
    p.set_defaults(call=relevance)
    p.add_argument("--train", nargs="+", required=True, metavar="FILE.tsv[=WEIGHT]",
                   help="labels, or a teacher's probabilities (teach.py)")
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--dev", metavar="FILE.tsv")
    where.add_argument("--hold-out", type=float, metavar="SHARE",
                       help="of the training queries, instead of --dev")
    p.add_argument("--labels", default=",".join(encoders.RELEVANCE_LABELS))
    p.add_argument("--prior", default=".65,.21,.03,.11", help="natural shares of the labels")
    p.add_argument("--prior-power", type=float, default=.5,
                   help="1: learn the natural prior; 0: that of the rows; between: between")
    p.add_argument("--select", default="macro_f1", choices=["macro_f1", "accuracy"])

    s = sub.add_parser("similarity", help="a teacher's similarity of a pair, as a first stage")
    s.set_defaults(call=similarity)
    s.add_argument("--train", required=True, metavar="FILE.tsv", help="see teach.py cosine")
    s.add_argument("--column", default="cosine")
    s.add_argument("--hold-out", type=float, default=.02, metavar="SHARE")

    i = sub.add_parser("intent", help="an action for a text, and a label for each word piece")
    i.set_defaults(call=intent)
    i.add_argument("--train", nargs="+", required=True, metavar="FILE.jsonl[=WEIGHT]")
    i.add_argument("--dev", required=True, metavar="FILE.jsonl")
    i.add_argument("--labels", default=",".join(encoders.ACTION_LABELS))
    i.add_argument("--token-labels", default=",".join(encoders.TOKEN_LABELS))

    for q in (p, s, i):
        q.add_argument("--encoder", dest="start", required=True, metavar="DIR", help="a Hugging Face folder")
        trainer.add_options(q)

    e = sub.add_parser("evaluate", help="score a trained folder")
    e.set_defaults(call=evaluate)
    e.add_argument("--model", required=True, metavar="DIR")
    e.add_argument("--data", required=True, metavar="FILE")
    e.add_argument("--logits", metavar="FILE.npy")
    e.add_argument("--show-wrong", type=int, default=0, metavar="N")
    e.add_argument("--max-tokens", type=int, default=128)
    e.add_argument("--threads", type=int, default=None)
    e.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")

    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return args.call(args)
    except (data.BadData, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
