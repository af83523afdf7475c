# SPDX-License-Identifier: Apache-2.0
"""Random choices that stay the same for a seed in every Python version.

Only random.Random.random() is promised to give the same sequence in later versions, so that all is
built from it.
"""
import random


class Rng:
    def __init__(self, seed):
        self.random = random.Random(str(seed)).random

    def below(self, n):
        """An integer in [0, n)."""
        return int(self.random() * n)

    def pick(self, items):
        return items[self.below(len(items))]

    def weighted(self, weights):
        """A key of {key: weight}."""
        at = self.random() * sum(weights.values())
        for key, weight in weights.items():
            at -= weight
            if at < 0:
                return key
        return key

    def sample(self, items, count):
        """Up to 'count' different items."""
        items = list(items)
        return [items.pop(self.below(len(items))) for _ in range(min(count, len(items)))]

    def shuffle(self, items):
        """A shuffled copy."""
        return self.sample(items, len(items))
