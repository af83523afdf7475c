#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A BERT or DistilBERT classifier as ONNX Runtime runs it fastest, for tools/bench/peers.py.

    ort_graphs.py HF_DIR OUT

Written to OUT, all by ONNX Runtime's own tools from PyTorch's export:

    fp32.onnx       fused by onnxruntime.transformers.optimizer: attention, GELU with its bias,
                    LayerNorm with the residual
    int8_7bit.onnx  the same, quantize_dynamic with a scale for each channel and weights of 7 bits
                    (reduce_range), which its AVX2 kernels multiply without saturating
    int4.onnx       MatMulNBits in blocks of 32, products in int8 (accuracy_level 4); attention keeps
                    its projections apart, since the fused one has no 4-bit form

Refused where a graph lacks the fused operators: the race would be against something slower than ONNX
Runtime at its best.  Exit status: 0, or 2 with what is wrong.
"""
import argparse
import collections
import logging
import pathlib
import sys
import tempfile
import warnings

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from transformers import AutoModelForSequenceClassification


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export(model, path):
    ids = torch.randint(1000, 2000, (2, 16))
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(Logits(model), (ids, torch.ones_like(ids)), str(path), dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}})


def fused(raw, path, config, projections_apart):
    options = FusionOptions("bert")
    options.use_multi_head_attention = projections_apart
    graph = optimizer.optimize_model(str(raw), model_type="bert", num_heads=config.num_attention_heads,
                                     hidden_size=config.hidden_size, opt_level=0,
                                     optimization_options=options)
    graph.save_model_to_file(str(path))


def expect(path, **wanted):
    """Counts operators of the graph at 'path': all of 'wanted' are there."""
    found = collections.Counter(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)
    for name, count in wanted.items():
        if found[name] < count:
            raise ValueError(f"{path.name}: {found[name]} {name} where {count} were expected: "
                             f"this version of ONNX Runtime's tools does not fuse this model")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="HF_DIR")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            args.model, attn_implementation="eager", dtype=torch.float32).eval()
        layers = model.config.num_hidden_layers
        args.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=args.out) as folder:
            folder = pathlib.Path(folder)
            export(model, folder / "raw.onnx")
            fused(folder / "raw.onnx", folder / "fp32.onnx", model.config, False)
            expect(folder / "fp32.onnx", Attention=layers, SkipLayerNormalization=2 * layers)
            quantize_dynamic(folder / "fp32.onnx", folder / "int8_7bit.onnx", weight_type=QuantType.QInt8,
                             per_channel=True, reduce_range=True,
                             extra_options={"MatMulConstBOnly": True,
                                            "DefaultTensorType": onnx.TensorProto.FLOAT})
            expect(folder / "int8_7bit.onnx", QAttention=layers, MatMulInteger=3 * layers)
            fused(folder / "raw.onnx", folder / "apart.onnx", model.config, True)
            expect(folder / "apart.onnx", MultiHeadAttention=layers)
            quantizer = MatMulNBitsQuantizer(onnx.load(folder / "apart.onnx"), block_size=32,
                                             is_symmetric=True, accuracy_level=4)
            quantizer.process()
            onnx.save(quantizer.model.model, folder / "int4.onnx")
            expect(folder / "int4.onnx", MatMulNBits=6 * layers)
            for name in ("fp32.onnx", "int8_7bit.onnx", "int4.onnx"):
                (folder / name).replace(args.out / name)
    except (OSError, ValueError) as error:
        print(f"ort_graphs: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
