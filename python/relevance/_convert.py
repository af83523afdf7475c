# SPDX-License-Identifier: Apache-2.0
"""From Hugging Face to a model file."""
from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from ._library import RelevanceError

# What the converter reads of a repository on the hub.
_FILES = ["config.json", "*.safetensors", "*.safetensors.index.json", "vocab.txt", "tokenizer.json",
          "tokenizer_config.json", "special_tokens_map.json"]


class ConvertError(RelevanceError, ValueError):
    """The converter refused the model or an option; its message says why."""


def convert(source: Any, out: "Union[str, os.PathLike[str], None]" = None, *, weights: str = "q7",
            embeddings: Optional[str] = None, tokenizer: Any = None,
            calibrate: "Union[str, os.PathLike[str], None]" = None,
            gains: Optional[Dict[str, float]] = None, threads: Optional[int] = None,
            name: Optional[str] = None, license: Optional[str] = None,
            **options: Union[str, int]) -> Path:
    """Make a model file (.rlv); returns its path.

    source      a folder with config.json, model.safetensors and vocab.txt or tokenizer.json; or a
                transformers model (DistilBERT or BERT with a sequence head, a token head or none);
                or a name on the Hugging Face hub ("owner/name"; needs the package huggingface_hub)
    out         the file to write; None: the source's name with .rlv, in the current folder
    weights     of the linear layers: f32 f16 q8 q7 q6 q5 q4 q3
    embeddings  of the word embeddings; None: the converter's choice
    tokenizer   of a transformers model; None: the one that its name or path gives
    calibrate   a file of pairs (query, title) to choose scales by; "none": just round;
                None: built-in shopping texts
    gains       {label: worth when products are ranked, 0 to 1}
    options     further options of 'relevance convert': group=64, outliers=8 ...

    ConvertError carries the converter's message; 'out' is then left as it was.
    """
    from ._command import environment, program

    arguments: List[str] = ["--quiet", "--weights", weights]
    given = dict(options, embeddings=embeddings, calibrate=calibrate, threads=threads, name=name,
                 license=license)
    for key, value in given.items():
        if value is not None:
            arguments += ["--" + key.replace("_", "-"), os.fspath(value)
                          if isinstance(value, os.PathLike) else str(value)]
    for label, gain in (gains or {}).items():
        arguments += ["--gain", "%s=%s" % (label, gain)]

    with tempfile.TemporaryDirectory(prefix="relevance-") as scratch:
        folder, default_name = _folder(source, tokenizer, scratch)
        if name is None and folder == scratch:
            arguments += ["--name", default_name]
        target = Path(default_name + ".rlv") if out is None else Path(out)
        done = subprocess.run([str(program()), "convert", folder, str(target)] + arguments,
                              env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, errors="replace")
    if done.returncode:
        raise ConvertError(done.stdout.strip().replace("relevance: ", "", 1)
                           or "the converter ended with status %d" % done.returncode)
    return target


def _folder(source: Any, tokenizer: Any, scratch: str) -> "tuple[str, str]":
    """(a folder that the converter can read, a name for the model)."""
    if hasattr(source, "save_pretrained"):
        origin = getattr(source, "name_or_path", "") or ""
        if tokenizer is None:
            if not origin:
                raise ValueError("a model without name or path needs tokenizer=...")
            from transformers import AutoTokenizer
            tokenizer = AutoTokenizer.from_pretrained(origin)
        source.save_pretrained(scratch, safe_serialization=True)
        tokenizer.save_pretrained(scratch)
        return scratch, os.path.basename(origin.rstrip("/")) or "model"
    path = os.fspath(source)
    if os.path.isdir(path):
        return path, os.path.basename(os.path.abspath(path))
    if os.path.exists(path) or path.count("/") != 1 or path.startswith((".", "/")):
        raise FileNotFoundError("%s is no folder; a Hugging Face folder holds config.json, "
                                "model.safetensors and vocab.txt or tokenizer.json" % path)
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise FileNotFoundError(
            "%s is no folder; to fetch it from the hub, install huggingface_hub" % path) from None
    return snapshot_download(path, allow_patterns=_FILES), path.split("/")[1]
