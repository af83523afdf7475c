#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What teachers know, as files to train on.

  teach.py cosine --teacher DIR... --pairs train.tsv... --out cosine.tsv
      Similarity of query-title pairs to one or more sentence encoders, for 'train.py similarity': for
      every query its own titles, the nearest, near ones (ranks 10 to 100) and random ones among all
      titles.  Of several teachers the mean, each first scaled to standard deviation 1.
  teach.py probabilities --teacher DIR... --pairs FILE.tsv --out soft.tsv [--temperature 1]
      The mean probabilities of one or more trained classifiers for each pair, for distillation:
      'train.py relevance --train train.tsv soft.tsv'.
"""
import argparse
import csv
import json
import pathlib
import sys

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModel

import data
import encoders
import scores
import tasks
import trainer


@torch.no_grad()
def embed(texts, folder, kind, batch_size=64, max_tokens=96, device="cpu"):
    """[len(texts), hidden], normalised: the mean of the last hidden states, as sentence-transformers
    defines it for all-mpnet-base-v2 and all-MiniLM-L6-v2.  Before each text goes the prompt that
    config_sentence_transformers.json has for its kind, "query" or "document" (E5's "query: ")."""
    tokenizer = encoders.tokenizer_of(folder)
    try:
        text = (pathlib.Path(folder) / "config_sentence_transformers.json").read_text()
        prompt = json.loads(text).get("prompts", {}).get(kind, "")
    except FileNotFoundError:
        prompt = ""
    texts = [prompt + t for t in texts]
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval().to(device)
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    out = np.empty((len(texts), model.config.hidden_size), np.float32)
    for i in tqdm(range(0, len(order), batch_size), desc="embed", unit="batch"):
        index = order[i:i + batch_size]
        batch = tokenizer([texts[j] for j in index], padding=True, truncation=True,
                          max_length=max_tokens, return_tensors="pt").to(device)
        states = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(2).float()
        mean = (states * mask).sum(1) / mask.sum(1)
        out[index] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
    return out


def write_tsv(path, header, rows):
    def write(temporary):
        with open(temporary, "w", encoding="utf-8", newline="") as f:
            w = csv.writer(f, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None,
                           lineterminator="\n")
            w.writerow(header)
            w.writerows(rows)
    trainer.write_atomically(path, write)


def cosine(args):
    pairs = [(r["query"], r.get("title", r.get("product")))
             for path in args.pairs for r in data.read_tsv(path)]
    queries, titles = (sorted({p[i] for p in pairs}) for i in (0, 1))
    own = {}
    title_at = {t: i for i, t in enumerate(titles)}
    for q, t in pairs:
        own.setdefault(q, set()).add(title_at[t])
    total = 0
    for folder in args.teacher:
        q = embed(queries, folder, "query", device=args.device)
        t = embed(titles, folder, "document", device=args.device)
        one = q @ t.T  # [queries, titles]
        total = total + (one / one.std() if len(args.teacher) > 1 else one)
    total /= len(args.teacher)
    generator = np.random.default_rng(args.seed)
    rows = []
    for i, query in enumerate(queries):
        similarity = total[i]
        ranked = np.argsort(-similarity)
        # A set has no order that the seed fixes; sorted() has.
        chosen = sorted(own[query]) + ranked[:args.nearest].tolist()
        chosen += generator.choice(ranked[10:100], args.near, replace=False).tolist()
        chosen += generator.choice(len(titles), args.random, replace=False).tolist()
        rows += [(query, titles[j], f"{similarity[j]:.5f}") for j in dict.fromkeys(chosen)]
    write_tsv(args.out, ["query", "title", "cosine"], rows)
    print(f"{len(rows)} pairs of {len(queries)} queries and {len(titles)} titles")


def probabilities(args):
    total, labels = 0, None
    for folder in args.teacher:
        model, tokenizer = encoders.load(folder).to(args.device), encoders.tokenizer_of(folder)
        names = [model.config.id2label[i] for i in range(model.config.num_labels)]
        if labels is not None and names != labels:
            raise data.BadData(f"{folder}: labels {names}, the first teacher has {labels}")
        labels = names
        read = data.read_tsv(args.pairs)
        encoded = tokenizer([r["query"] for r in read], [r.get("title", r.get("product")) for r in read],
                            truncation="longest_first", max_length=args.max_tokens,
                            return_token_type_ids=True)
        rows = [data.Row(i, t, None) for i, t in zip(encoded["input_ids"], encoded["token_type_ids"])]
        for r in rows:
            r.target = np.zeros(len(labels), np.float32)
        task = tasks.Relevance(tokenizer, model.config, labels, 0, [1] * len(labels), "macro_f1")
        found = np.stack(trainer.predict(model, rows, task, progress=True))
        total = total + scores.softmax(found.astype(np.float64) / args.temperature)
    total /= len(args.teacher)
    write_tsv(args.out, ["query", "title"] + ["p_" + l for l in labels],
              [[r["query"], r.get("title", r.get("product"))] + [f"{p:.5f}" for p in ps]
               for r, ps in zip(read, total)])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(required=True, metavar="WHAT")
    p = sub.add_parser("cosine")
    p.set_defaults(call=cosine)
    p.add_argument("--teacher", nargs="+", required=True, metavar="DIR")
    p.add_argument("--pairs", nargs="+", required=True, metavar="FILE.tsv")
    p.add_argument("--nearest", type=int, default=3)
    p.add_argument("--near", type=int, default=2)
    p.add_argument("--random", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    q = sub.add_parser("probabilities")
    q.set_defaults(call=probabilities)
    q.add_argument("--teacher", nargs="+", required=True, metavar="DIR")
    q.add_argument("--pairs", required=True, metavar="FILE.tsv")
    q.add_argument("--temperature", type=float, default=1.0)
    q.add_argument("--max-tokens", type=int, default=128)
    for s in (p, q):
        s.add_argument("--out", required=True, metavar="FILE.tsv")
        s.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    try:
        args.call(args)
    except (data.BadData, OSError) as error:
        print(f"teach: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
