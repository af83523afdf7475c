# SPDX-License-Identifier: Apache-2.0
"""Rows in, padded batches out.

Relevance: TSV with a header line; columns query, title (or product), and either label (a name or its
first letter) or one column p_NAME per label (a teacher's probabilities).  Where there is a column
split, training takes only the rows that say train.  Intent: JSONL, one object a
line: {"text", "action", "language", "noise", "spans": {"product": [start, end] or null,
"quantity": [start, end] or null}} with positions in characters, end exclusive.
"""
import csv
import hashlib
import json
import pathlib
from dataclasses import dataclass, field

import numpy as np
import torch

NO_LABEL = -100  # a piece that is not labelled: special tokens, padding


@dataclass
class Row:
    ids: list                  # word pieces
    types: list                # token types
    target: np.ndarray         # [labels] probabilities, or [1] a number
    weight: float = 1.0
    pieces: list = None        # [len(ids)] token labels, or NO_LABEL
    offsets: list = None       # [len(ids)] (start, end) characters
    meta: dict = field(default_factory=dict)


class BadData(Exception):
    """Names the file, the line and what is wrong."""


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_tsv(path):
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows:
        raise BadData(f"{path}: no rows")
    return rows


def label_index(text, labels, where):
    """'Exact', 'exact' or 'E'."""
    for i, label in enumerate(labels):
        if text and (text.lower() == label.lower() or text.upper() == label[0].upper()):
            return i
    raise BadData(f"{where}: label is '{text}', expected one of {', '.join(labels)}")


def pairs(path, labels):
    """[(query, title, [len(labels)] probabilities, the row)] of a TSV."""
    out = []
    for line, row in enumerate(read_tsv(path), 2):
        where = f"{path}:{line}"
        title = row.get("title", row.get("product"))
        if row.get("query") is None or title is None:
            raise BadData(f"{where}: needs the columns query and title")
        if "p_" + labels[0] in row:
            try:
                target = np.array([float(row["p_" + l]) for l in labels], np.float32)
            except (KeyError, TypeError, ValueError) as e:
                raise BadData(f"{where}: bad teacher's probability: {e}") from None
            if not (np.all(target >= 0) and abs(target.sum() - 1) < 1e-3):
                raise BadData(f"{where}: probabilities do not add up to 1")
        else:
            target = np.zeros(len(labels), np.float32)
            target[label_index(row.get("label"), labels, where)] = 1
        out.append((row["query"], title, target, row))
    return out


def pair_rows(path, labels, tokenizer, max_tokens, weight=1.0, training=False):
    read = pairs(path, labels)
    if training:
        read = [r for r in read if r[3].get("split") in (None, "train")]
        if not read:
            raise BadData(f"{path}: no row whose split is train")
    encoded = tokenizer([r[0] for r in read], [r[1] for r in read], truncation="longest_first",
                        max_length=max_tokens, return_token_type_ids=True)
    return [Row(i, t, r[2], weight, meta={"query": r[0]})
            for r, i, t in zip(read, encoded["input_ids"], encoded["token_type_ids"])]


def number_rows(path, column, tokenizer, max_tokens):
    """Pairs with a number each, standardised: similarity."""
    read = read_tsv(path)
    values = np.array([float(r[column]) for r in read], np.float32)
    values = (values - values.mean()) / values.std()
    encoded = tokenizer([r["query"] for r in read], [r["title"] for r in read],
                        truncation="longest_first", max_length=max_tokens,
                        return_token_type_ids=True)
    return [Row(i, t, np.array([v], np.float32), meta={"query": r["query"]})
            for r, i, t, v in zip(read, encoded["input_ids"], encoded["token_type_ids"], values)]


def piece_labels(offsets, special, spans, token_labels):
    """BIO labels of word pieces.  A piece that shares a character with a span belongs to it."""
    out = [NO_LABEL if s else token_labels.index("O") for s in special]
    for name, span in spans.items():
        if span is None:
            continue
        first = True
        for i, (start, end) in enumerate(offsets):
            if not special[i] and start < span[1] and end > span[0]:
                out[i] = token_labels.index(("B-" if first else "I-") + name.upper())
                first = False
    return out


def spans_of(labels, offsets, token_labels):
    """The first run of each kind: {"product": (start, end) or None, "quantity": ...}.

    A run is a label of the kind and the labels I- of it that follow; the characters are those from
    the first piece's start to the last piece's end."""
    out = {label[2:].lower(): None for label in token_labels if label != "O"}
    name = start = end = None
    for label, (a, b) in zip(labels, offsets):
        kind = token_labels[label] if label >= 0 else "O"
        if name and kind == "I-" + name.upper():
            end = b
            continue
        if name and out[name] is None:
            out[name] = (start, end)
        name = kind[2:].lower() if kind != "O" else None
        start, end = a, b
    if name and out[name] is None:
        out[name] = (start, end)
    return out


def intent_rows(path, labels, token_labels, tokenizer, max_tokens, weight=1.0):
    read = []
    with open(path, encoding="utf-8") as f:
        for line, text in enumerate(f, 1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
                spans = {k: row["spans"].get(k) for k in ("product", "quantity")}
                action = label_index(row["action"], labels, f"{path}:{line}")
                n = len(row["text"])
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                raise BadData(f"{path}:{line}: not an intent example: {e!r}") from None
            for k, s in spans.items():
                if s is not None and not 0 <= s[0] < s[1] <= n:
                    raise BadData(f"{path}:{line}: span of {k} is {s}, the text has {n} characters")
            read.append((row, action, spans))
    if not read:
        raise BadData(f"{path}: no rows")
    encoded = tokenizer([r[0]["text"] for r in read], truncation=True, max_length=max_tokens,
                        return_token_type_ids=True, return_offsets_mapping=True,
                        return_special_tokens_mask=True)
    out = []
    for i, (row, action, spans) in enumerate(read):
        offsets = encoded["offset_mapping"][i]
        out.append(Row(encoded["input_ids"][i], encoded["token_type_ids"][i],
                       np.eye(len(labels), dtype=np.float32)[action], weight,
                       piece_labels(offsets, encoded["special_tokens_mask"][i], spans, token_labels),
                       offsets, {**row, "spans": spans}))
    return out


def split_by_query(rows, fraction):
    """(rest, held out): the same queries whatever the order of the rows, none in both parts."""
    def held(row):
        digest = hashlib.sha256(row.meta["query"].strip().lower().encode()).digest()
        return int.from_bytes(digest[:8], "little") / 2**64 < fraction
    return [r for r in rows if not held(r)], [r for r in rows if held(r)]


def batches(rows, batch_size, generator=None):
    """Lists of indices of rows of about one length.

    With a generator the order is random: lengths get noise of some 10 %, so that neighbours change
    from epoch to epoch, and whole batches are shuffled.  Without one: longest first."""
    lengths = np.array([len(r.ids) for r in rows], float)
    if generator is None:
        order = np.argsort(-lengths, kind="stable")
    else:
        order = np.argsort(lengths * generator.uniform(.9, 1.1, len(rows)))
    out = [order[i:i + batch_size].tolist() for i in range(0, len(rows), batch_size)]
    if generator is not None:
        generator.shuffle(out)
    return out


def collate(rows, pad_id, token_types, device="cpu"):
    """{"inputs": what the model takes, "target", "weight", "pieces" or None}, padded to the longest."""
    n = max(len(r.ids) for r in rows)
    ids = np.full((len(rows), n), pad_id, np.int64)
    mask = np.zeros((len(rows), n), np.int64)
    types = np.zeros((len(rows), n), np.int64)
    pieces = np.full((len(rows), n), NO_LABEL, np.int64) if rows[0].pieces is not None else None
    for i, r in enumerate(rows):
        ids[i, :len(r.ids)] = r.ids
        mask[i, :len(r.ids)] = 1
        types[i, :len(r.ids)] = r.types
        if pieces is not None:
            pieces[i, :len(r.ids)] = r.pieces
    inputs = {"input_ids": ids, "attention_mask": mask}
    if token_types:
        inputs["token_type_ids"] = types
    to = lambda a: torch.from_numpy(a).to(device)
    return {"inputs": {k: to(v) for k, v in inputs.items()},
            "target": to(np.stack([r.target for r in rows])),
            "weight": to(np.array([r.weight for r in rows], np.float32)),
            "pieces": None if pieces is None else to(pieces)}


def hashes(paths):
    return {pathlib.Path(p).name: sha256(p) for p in paths}
