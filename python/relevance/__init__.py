# SPDX-License-Identifier: Apache-2.0
"""Does a product fit a shopping query?  librelevance from Python.

>>> from relevance import Relevance
>>> model = Relevance()
>>> model.classify("dog leash", "Reflective nylon dog leash, 6 ft").label
'Exact'

Relevance         the model and its calls
Catalog           product names, for Relevance.extract()
CrossEncoder      the same with the interface of sentence-transformers' class
convert           a Hugging Face model to a model file
relevance.sklearn RelevanceClassifier, a scikit-learn estimator

`python -m relevance` is the command line; `python -m relevance.report` makes a page with plots of
what its eval prints.
"""
from __future__ import annotations

from ._abi import Status
from ._convert import convert
from ._intent import Catalog, Intent, LabelledToken, Match, Span
from ._library import (ArgumentError, CatalogError, CpuError, FileError, HeadError, ModelError,
                       OutOfMemoryError, RelevanceError, ThreadError)
from ._model import (Info, Ranked, Relevance, Result, default_intent_model, default_model,
                     isa_supported, shared, version)
from .cross_encoder import CrossEncoder

__version__ = "0.1.0"

__all__ = ["Relevance", "Result", "Ranked", "Info", "CrossEncoder", "convert", "shared",
           "Catalog", "Intent", "Match", "Span", "LabelledToken", "default_intent_model",
           "default_model", "isa_supported", "version", "Status", "RelevanceError", "ArgumentError",
           "OutOfMemoryError", "FileError", "ModelError", "HeadError", "CatalogError",
           "CpuError", "ThreadError"]
