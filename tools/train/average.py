#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mean of the weights of runs that began alike: one model, often better than each.

    average.py RUN/model=.7 RUN2/model=.3 --out DIR

The runs must have the same architecture and have started from the same weights, heads included (the
same --encoder and --head-seed): otherwise their mean is noise.  DIR becomes a Hugging Face folder
with the first one's configuration and vocabulary.  Wortsman et al. 2022, "Model soups".
"""
import argparse
import pathlib
import shutil
import sys

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from trainer import write_atomically


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="DIR=WEIGHT")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR")
    args = parser.parse_args()
    try:
        models = [(folder, float(weight)) for folder, _, weight in (m.rpartition("=") for m in args.models)]
        if abs(sum(weight for _, weight in models) - 1) > 1e-6:
            raise ValueError("the weights do not add up to 1")
        mean = {}
        for folder, weight in models:
            tensors = load_file(pathlib.Path(folder) / "model.safetensors")
            if mean and {k: v.shape for k, v in tensors.items()} != {k: v.shape for k, v in mean.items()}:
                raise ValueError(f"{folder}: other tensors than {models[0][0]}")
            for name, tensor in tensors.items():
                mean[name] = mean.get(name, 0) + weight * tensor.float()
        args.out.mkdir(parents=True, exist_ok=True)
        for path in pathlib.Path(models[0][0]).iterdir():
            if path.name != "model.safetensors":
                shutil.copy(path, args.out)
        write_atomically(args.out / "model.safetensors",
                         lambda path: save_file(mean, path, metadata={"format": "pt"}))
    except (OSError, ValueError, SafetensorError) as error:
        print(f"average: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
