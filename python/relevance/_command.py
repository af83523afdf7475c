# SPDX-License-Identifier: Apache-2.0
"""The command-line program that is built with the package."""
from __future__ import annotations

import os
from pathlib import Path

from ._library import bundled
from ._model import default_intent_model, default_model


def program() -> Path:
    """The program.  FileNotFoundError, with the remedy, where this build has none."""
    path = bundled("bin/relevance", "build/relevance", "RELEVANCE_PROGRAM")
    if not path.exists():
        raise FileNotFoundError(
            "this installation of relevance was built without its command line, because "
            "libjansson-dev was missing; install that package and run pip install again")
    return path


def environment() -> "dict[str, str]":
    """Ours, with the package's models as the default ones."""
    env = dict(os.environ)
    env.setdefault("RELEVANCE_MODEL", str(default_model()))
    if default_intent_model().exists():
        env.setdefault("RELEVANCE_INTENT_MODEL", str(default_intent_model()))
    return env
