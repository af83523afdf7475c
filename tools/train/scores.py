# SPDX-License-Identifier: Apache-2.0
"""Scores of relevance and of intent, as dictionaries that go into the run card."""
import collections

import numpy as np
import torch
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.model_selection import StratifiedKFold

import data


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def vector_scaling(logits, labels):
    """(temperature, bias [classes]) that make softmax(logits / temperature + bias) likeliest.

    What 'class-prior correction' means here: a bias a class and one temperature, fitted by log loss
    (not by accuracy, which would chase single rows)."""
    x, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(labels)
    n = x.shape[1]
    p = torch.zeros(n + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([p], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        # The small penalty keeps the bias of a class without rows finite.
        loss = torch.nn.functional.cross_entropy(x * p[0].exp() + p[1:], y) + 1e-3 * p.square().sum()
        loss.backward()
        return loss
    optimizer.step(closure)
    p = p.detach().numpy()
    return float(np.exp(-p[0])), p[1:] - p[1:].mean()


def macro_f1(found, labels, n):
    """Mean F1 of n classes, 0 for one that neither occurs nor is given.  As scikit-learn's, and a
    hundred times as fast for the few hundred rows on which a bias is searched."""
    table = np.bincount(labels * n + found, minlength=n * n).reshape(n, n)
    return float(np.mean(2 * table.diagonal() / np.maximum(table.sum(0) + table.sum(1), 1)))


def best_f1_bias(logits, labels, rounds=3):
    """A bias a class that maximises macro-F1 on these rows, by coordinate ascent."""
    bias = np.zeros(logits.shape[1])
    grid = np.linspace(-2.5, 2.5, 41)
    for _ in range(rounds):
        for c in range(1, len(bias)):
            f1 = []
            for step in grid:
                trial = bias.copy()
                trial[c] = step
                f1.append(macro_f1((logits + trial).argmax(1), labels, len(bias)))
            # The middle of the best stretch, not its edge.
            best = np.flatnonzero(np.array(f1) > max(f1) - 2e-3)
            bias[c] = grid[int(np.median(best))]
    return bias


def cross_fitted(logits, labels, folds=5, repeats=4):
    """(accuracy at the calibrated prior, log loss there, macro-F1 at the point chosen for it).

    The operating point is fitted on four fifths and scored on the rest, so none of the numbers is
    fitted to the rows that it is measured on; averaged over 'repeats' divisions."""
    accuracy, loss, f1 = [], [], []
    for seed in range(repeats):
        calibrated, leaned = np.empty_like(logits), np.empty_like(logits)
        division = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for fit, score in division.split(logits, labels):
            temperature, bias = vector_scaling(logits[fit], labels[fit])
            calibrated[score] = logits[score] / temperature + bias
            leaned[score] = logits[score] + best_f1_bias(logits[fit], labels[fit])
        accuracy.append((calibrated.argmax(1) == labels).mean())
        loss.append(log_loss(labels, softmax(calibrated), labels=range(logits.shape[1])))
        f1.append(macro_f1(leaned.argmax(1), labels, logits.shape[1]))
    return float(np.mean(accuracy)), float(np.mean(loss)), float(np.mean(f1))


def relevance(logits, labels, names, calibrate=False):
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    found = logits.argmax(1)
    classes = range(len(names))
    f1 = f1_score(labels, found, average=None, labels=classes, zero_division=0)
    out = {"n": len(labels), "accuracy": float((found == labels).mean()),
           "macro_f1": float(f1.mean()),
           "nll": float(log_loss(labels, softmax(logits), labels=classes)),
           "f1": {n: float(v) for n, v in zip(names, f1)},
           "confusion": confusion_matrix(labels, found, labels=classes).tolist()}
    if calibrate:
        (out["calibrated_accuracy"], out["calibrated_nll"],
         out["leaned_macro_f1"]) = cross_fitted(logits, labels)
        temperature, bias = vector_scaling(logits, labels)
        out["temperature"], out["bias"] = temperature, [float(b) for b in bias]
    return out


def intent(actions, pieces, rows, token_labels):
    """'actions' [rows] and 'pieces' [rows][tokens]: the labels that the model gave."""
    counts = collections.defaultdict(lambda: [0, 0])
    hits = collections.Counter()
    wrong = []
    for action, labels, row in zip(actions, pieces, rows):
        found = data.spans_of(labels, row.offsets, token_labels)
        # What the labels can say at best: the true spans, rounded to whole pieces.
        true = data.spans_of(row.pieces, row.offsets, token_labels)
        ok = {"action": int(action) == int(row.target.argmax()),
              **{k: found[k] == true[k] for k in found}}
        exact = all(ok.values())
        hits.update(k for k, v in ok.items() if v)
        noise = row.meta.get("noise") or "none"
        keys = {("language", row.meta.get("language", "?"))}
        keys |= {("noise", k) for k in ([noise] if isinstance(noise, str) else noise)}
        for key in keys | {("all", "all")}:
            counts[key][0] += exact
            counts[key][1] += 1
        if not exact:
            wrong.append({"text": row.meta["text"], "wrong": [k for k, v in ok.items() if not v],
                          "action": int(action), "spans": found, "true": true})
    n = len(rows)
    out = {"n": n, "exact": counts["all", "all"][0] / n,
           **{k: hits[k] / n for k in ("action", "product", "quantity")}}
    for group in ("language", "noise"):
        out[group] = {k: {"exact": a / b, "n": b}
                      for (g, k), (a, b) in sorted(counts.items()) if g == group}
    return out, wrong
