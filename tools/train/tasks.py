# SPDX-License-Identifier: Apache-2.0
"""What is learned: a loss and scores for each task."""
import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax, mse_loss

import data
import scores


class Task:
    name = select = None

    def __init__(self, tokenizer, config):
        self.pad_id = tokenizer.pad_token_id
        self.token_types = config.model_type == "bert"

    def outputs(self, output, batch):
        return output.logits.float().cpu().numpy()

    def final(self, outputs, rows):
        return self.score(outputs, rows)


class Relevance(Task):
    """Cross entropy against probabilities: one label, smoothed, or a teacher's distribution."""
    name = "relevance"

    def __init__(self, tokenizer, config, labels, smoothing, class_weights, select):
        super().__init__(tokenizer, config)
        self.labels, self.smoothing, self.select = labels, smoothing, select
        self.class_weights = torch.tensor(class_weights, dtype=torch.float32)

    def loss(self, output, batch):
        target = batch["target"]
        # Of a teacher's distribution, each class has its weight; for one label this is the usual.
        weight = batch["weight"] * (target @ self.class_weights.to(target.device))
        target = target * (1 - self.smoothing) + self.smoothing / target.shape[1]
        each = -(target * log_softmax(output.logits.float(), 1)).sum(1)
        return (each * weight).sum() / weight.sum()

    def score(self, outputs, rows, calibrate=False):
        return scores.relevance(np.stack(outputs), [int(r.target.argmax()) for r in rows],
                                self.labels, calibrate)

    def final(self, outputs, rows):
        return self.score(outputs, rows, calibrate=True)


class Similarity(Task):
    """Squared distance from a teacher's standardised similarity."""
    name, select = "similarity", "correlation"

    def loss(self, output, batch):
        return mse_loss(output.logits.float(), batch["target"])

    def score(self, outputs, rows):
        found, true = np.stack(outputs)[:, 0], np.array([r.target[0] for r in rows])
        return {"n": len(rows), "correlation": float(np.corrcoef(found, true)[0, 1]),
                "mse": float(np.mean((found - true) ** 2))}


class Intent(Task):
    """Both heads' cross entropies, added."""
    name, select = "intent", "exact"

    def __init__(self, tokenizer, config, labels, token_labels, smoothing):
        super().__init__(tokenizer, config)
        self.labels, self.token_labels, self.smoothing = labels, token_labels, smoothing

    def loss(self, output, batch):
        weight = batch["weight"]
        action = cross_entropy(output.logits.float(), batch["target"], reduction="none",
                               label_smoothing=self.smoothing)
        pieces = cross_entropy(output.token_logits.float().transpose(1, 2), batch["pieces"],
                               reduction="none", ignore_index=data.NO_LABEL,
                               label_smoothing=self.smoothing)
        known = (batch["pieces"] != data.NO_LABEL).float()
        pieces = pieces.sum(1) / known.sum(1).clamp(min=1)
        return ((action + pieces) * weight).sum() / weight.sum()

    def outputs(self, output, batch):
        actions = output.logits.argmax(1).tolist()
        labels = output.token_logits.argmax(2)
        labels[batch["pieces"] == data.NO_LABEL] = data.NO_LABEL
        lengths = batch["inputs"]["attention_mask"].sum(1).tolist()
        return [(a, l[:n]) for a, l, n in zip(actions, labels.tolist(), lengths)]

    def score(self, outputs, rows):
        found, _ = scores.intent([o[0] for o in outputs], [o[1] for o in outputs], rows,
                                 self.token_labels)
        return found

    def wrong(self, outputs, rows):
        return scores.intent([o[0] for o in outputs], [o[1] for o in outputs], rows,
                             self.token_labels)[1]
