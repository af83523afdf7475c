# SPDX-License-Identifier: Apache-2.0
"""What the tests share: the tiny models, converted once from test/golden/tiny of the source tree."""
import atexit
import functools
import json
import shutil
import tempfile
from pathlib import Path

import relevance

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "test" / "golden" / "tiny"


@functools.lru_cache(None)
def scratch():
    folder = tempfile.mkdtemp(prefix="relevance-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.lru_cache(None)
def tiny(name="distilbert-seq", weights="q8"):
    """Path of a tiny model: random weights, hidden size 64, at most 40 tokens."""
    return relevance.convert(TINY / name, scratch() / ("%s-%s.rlv" % (name, weights)),
                             weights=weights, threads=1)


def golden(name):
    """What transformers computes for the tiny model: [{query, product, ids, logits, hidden}]."""
    with open(TINY / name / "golden.json", encoding="utf-8") as f:
        return json.load(f)["cases"]


def samples(n=None):
    """The first n pairs of data/samples.tsv."""
    with open(ROOT / "data" / "samples.tsv", encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f][1:]
    return [(r[0], r[1]) for r in rows][:n]
