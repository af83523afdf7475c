# SPDX-License-Identifier: Apache-2.0
"""Training that knows of the rounding to come: weights are rounded in the forward pass, and the
gradient goes to the weights as they were (the straight-through estimator, Bengio et al. 2013,
arXiv:1308.3432).

Rounded is what 'relevance convert' rounds, in the same groups and over the same integers: linear
layers but the classifiers, and the word embeddings less their mean row.  The scale of a group is the
fraction of the covering one with the smallest sum of squared errors; the sign is the larger end's,
which has one integer more.  The converter looks closer (fractions of 1/256, what the inputs are,
GPTQ, channels that stay f32), so its error is smaller than the one trained for.

The state dict is that of the plain model: what is saved are the weights that are not rounded.
"""
import re

import torch
from torch import nn
from torch.nn import functional

# What 'relevance convert' takes without --group and --embedding-group; 0: a row.
GROUPS = {3: 32, 4: 384, 5: 64, 6: 0, 7: 0, 8: 0}
EMBEDDING_GROUPS = {3: 32, 4: 32, 5: 32, 6: 64, 7: 0, 8: 0}
FRACTIONS = [1 - i / 16 for i in range(9)]
REFRESH = 100  # steps between two searches for scales; they move slowly


def parse(text, groups):
    """'4' or '4:64' -> (bits, group); '' -> None."""
    if not text:
        return None
    found = re.fullmatch(r"([3-8])(?::(\d+))?", text)
    if not found:
        raise SystemExit(f"--fake-quant '{text}': expected BITS or BITS:GROUP, 3 to 8 bits")
    bits, group = int(found[1]), found[2]
    group = groups[bits] if group is None else int(group)
    if group % 32:
        raise SystemExit(f"--fake-quant '{text}': a group is a multiple of 32, or 0 for a row")
    return bits, group


def grouped(w, group):
    """[rows, groups, columns of a group]; zeros fill a last group that is shorter."""
    columns = w.shape[-1]
    group = min(group, columns) or columns
    if columns % group:
        w = functional.pad(w, (0, group - columns % group))
    return w.reshape(-1, w.shape[-1] // group, group)


def rounded(w, scale, bits):
    """w [..., n] to multiples of scale [..., 1]."""
    top = 2 ** (bits - 1)
    return (w / scale).round_().clamp_(-top, top - 1).mul_(scale)


@torch.no_grad()
def search(w, bits, group):
    """The scale [rows, groups, 1] of each group."""
    w = grouped(w, group)
    end = w.gather(2, w.abs().argmax(2, keepdim=True))
    # An end of -a is -2^(bits-1) times a scale above zero; one of +a likewise times one below.
    cover = -end / 2 ** (bits - 1)
    cover = torch.where(cover.abs() < 1e-30, torch.ones_like(cover), cover)
    best, least = cover, torch.full_like(cover, torch.inf)
    for fraction in FRACTIONS:
        error = (rounded(w, cover * fraction, bits) - w).square_().sum(2, keepdim=True)
        better = error < least
        best, least = torch.where(better, cover * fraction, best), torch.where(better, error, least)
    return best


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, scale, bits, group):
        return rounded(grouped(w, group), scale, bits).flatten(1)[:, :w.shape[-1]].view(w.shape)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None, None, None


class Linear(nn.Linear):
    """An nn.Linear whose class was changed; 'scale' is None while it does not round."""
    bits = group = scale = None

    def refresh(self):
        self.scale = search(self.weight, self.bits, self.group)

    def forward(self, x):
        if self.scale is None:
            return super().forward(x)
        w = StraightThrough.apply(self.weight, self.scale, self.bits, self.group)
        return functional.linear(x, w, self.bias)


class Embedding(nn.Embedding):
    """Likewise; only the rows that are looked up are rounded.  'scale' is the table's mean row."""
    bits = group = scale = None

    @torch.no_grad()
    def refresh(self):
        self.scale = self.weight.mean(0)

    def forward(self, ids):
        x = super().forward(ids)
        if self.scale is None:
            return x
        flat = (x - self.scale).view(-1, x.shape[-1])
        flat = StraightThrough.apply(flat, search(flat, self.bits, self.group), self.bits, self.group)
        return flat.view(x.shape) + self.scale


def prepare(model, linear, embeddings):
    """Makes the layers of 'model' able to round, as texts for parse() say.  refresh() begins it."""
    linear, embeddings = parse(linear, GROUPS), parse(embeddings, EMBEDDING_GROUPS)
    for name, module in model.named_modules():
        wanted = None
        if type(module) is nn.Linear and not name.split(".")[-1].endswith("classifier"):
            wanted, to = linear, Linear
        elif name.split(".")[-1] == "pre_classifier":
            wanted, to = linear, Linear
        elif type(module) is nn.Embedding and name.endswith("word_embeddings"):
            wanted, to = embeddings, Embedding
        if wanted:
            module.__class__ = to
            module.bits, module.group = wanted


def layers(model):
    return {name: m for name, m in model.named_modules() if isinstance(m, (Linear, Embedding))}


def refresh(model):
    """Searches the scales of the weights as they are."""
    for module in layers(model).values():
        module.refresh()


def scales(model):
    """What a checkpoint needs besides the weights."""
    return {name: m.scale for name, m in layers(model).items()}


def set_scales(model, found):
    for name, module in layers(model).items():
        module.scale = found[name]
