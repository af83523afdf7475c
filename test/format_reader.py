#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of model files, written from docs/format.md alone (numpy only).

    format_reader.py --examples            check the reader against the worked examples of docs/format.md
    format_reader.py FILE.rlv              check the file, list its tensors
    format_reader.py FILE.rlv HF_DIR       also compare each weight with the checkpoint it was made from
"""
import glob
import json
import math
import os
import struct
import sys

import numpy as np

MAGIC = b"RLV\x8d\r\n\x1a\n"
PARTS = ["", "word", "position", "type", "embedding_norm", "qkv", "attention_out", "attention_norm",
         "ffn1", "ffn2", "ffn_norm", "pooler", "classifier", "token_classifier"]
WEIGHT, BIAS, SCALE, SUM, INPUT_SCALE, OUTLIER_INDEX, OUTLIER_WEIGHT = range(1, 8)
VECTOR, PANEL, ROWS = 1, 2, 3
PLAIN = {1: "<f4", 2: "<f2", 3: "<u4", 4: "<i4", 8: "<i1"}
BITS = {1: 32, 2: 16, 3: 32, 4: 32, 8: 8, 22: 6, 21: 5, 20: 4, 19: 3}
NAMES = {1: "f32", 2: "f16", 8: "q8", 22: "q6", 21: "q5", 20: "q4", 19: "q3"}
PLANES = {6: (4, 2), 5: (4, 1), 4: (4,), 3: (2, 1)}


def ceil_to(x, m):
    return (x + m - 1) // m * m


def checksum(data):
    words = np.frombuffer(bytes(data) + bytes(-len(data) % 128), "<u4").reshape(-1, 32)
    a = np.zeros(32, np.uint32)
    b = np.zeros(32, np.uint32)
    for start in range(0, len(words), 65536):
        running = np.cumsum(words[start:start + 65536], axis=0, dtype=np.uint32) + a
        b = b + running.sum(axis=0, dtype=np.uint32)
        a = running[-1]
    h, p, mask = 14695981039346656037, 1099511628211, 2 ** 64 - 1
    for lane in range(32):
        h = (h ^ int(a[lane])) * p & mask
        h = (h ^ int(b[lane])) * p & mask
    return (h ^ len(data)) * p & mask


def need(condition, what):
    if not condition:
        sys.exit("bad file: " + what)


def planes(blocks, bits, panel):
    """[blocks, bytes] of bit planes -> unsigned elements [blocks, 512 or 32]."""
    n = 512 if panel else 32
    out, at, shift = np.zeros((len(blocks), n), np.int32), 0, 0
    for width in PLANES[bits]:
        length, fields = n * width // 8, 8 // width
        plane = blocks[:, at:at + length]
        unit = 64 if panel else length  # bytes that hold one field of neighbours
        for f in range(fields):
            value = (plane >> (f * width) & ((1 << width) - 1)).astype(np.int32) << shift
            if not panel and width == 1:
                out[:, f::8] |= value
            else:
                value = value.reshape(len(blocks), -1, unit)
                target = out.reshape(len(blocks), -1, fields, unit)
                target[:, :, f, :] |= value
        at, shift = at + length, shift + width
    return out


def elements(data, dtype, layout, rows, cols):
    """The stored numbers as an array [rows, cols]: floats, or the integers w."""
    bits, n16, k32 = BITS[dtype], ceil_to(rows, 16), ceil_to(cols, 32)
    if layout == VECTOR:
        return np.frombuffer(data, PLAIN[dtype])[:rows]
    if layout == ROWS:
        x = np.frombuffer(data, np.uint8).reshape(rows, -1)[:, :k32 * bits // 8]
        if dtype in PLAIN:
            return np.ascontiguousarray(x).view(PLAIN[dtype])[:, :cols]
        u = planes(x.reshape(rows * (k32 // 32), bits * 4), bits, False)
        return u.reshape(rows, k32)[:, :cols] - (1 << bits - 1)
    if dtype in (1, 2):
        x = np.frombuffer(data, PLAIN[dtype]).reshape(n16 // 16, k32, 16)
        return x.transpose(0, 2, 1).reshape(n16, k32)[:rows, :cols]
    if dtype == 8:
        x = np.frombuffer(data, np.int8).astype(np.int32)
    else:
        blocks = np.frombuffer(data, np.uint8).reshape(-1, 64 * bits)
        x = planes(blocks, bits, True) - (1 << bits - 1)
    x = x.reshape(n16 // 16, k32 // 4, 16, 4).transpose(0, 2, 1, 3).reshape(n16, k32)
    need(not x[rows:].any() and not x[:, cols:].any(), "padding is not 0")
    return x[:rows, :cols]


def check_chain(w, chain):
    """The promise of a chain: sums of the weights of each sign in each block, by parity of k / 2."""
    k = ceil_to(w.shape[1], 4 * chain)
    blocks = np.zeros((w.shape[0], k), np.int64)
    blocks[:, :w.shape[1]] = w
    blocks = blocks.reshape(w.shape[0], k // (4 * chain), chain, 2, 2)
    for sign in (blocks, -blocks):
        need(sign.clip(min=0).sum((2, 4)).max() <= 128, "a chain of %d is too long" % chain)


def tensor_len(dtype, layout, rows, cols):
    bits, k32 = BITS[dtype], ceil_to(cols, 32)
    if layout == VECTOR:
        return ceil_to(rows, 16) * 4
    return ceil_to(rows, 16) * k32 * bits // 8 if layout == PANEL else rows * ceil_to(k32 * bits // 8, 64)


class Model:
    def __init__(self, raw):
        need(len(raw) >= 64 and raw[:8] == MAGIC, "magic")
        (version, endian, file_len, table, section_n, zero, table_sum, header_sum,
         zero2) = struct.unpack_from("<IIQQIIQQQ", raw, 8)
        need(endian == 0x01020304 and header_sum == checksum(raw[:48]), "header")
        need(version == 1 and file_len == len(raw) and zero == zero2 == 0, "version or length")
        need(section_n <= 7 and table_sum == checksum(raw[table:table + 32 * section_n]), "section table")
        self.sections, end = {}, table + 32 * section_n
        for i in range(section_n):
            kind, zero, offset, length, check = struct.unpack_from("<IIQQQ", raw, table + 32 * i)
            need(kind > max(self.sections, default=0) and offset % 64 == 0 and offset >= end and length > 0
                 and offset + length <= len(raw) and zero == 0, "section %d" % kind)
            need(check == checksum(raw[offset:offset + length]), "checksum of section %d" % kind)
            self.sections[kind], end = raw[offset:offset + length], offset + length
        config = struct.unpack("<17I2f13I", self.sections[1])
        (self.arch, self.hidden, self.layers, self.heads, self.inner, self.max_tokens, self.vocab_n, self.type_n,
         self.label_n, self.token_label_n, self.head, self.flags) = config[:12]
        self.cls = config[14]
        self.epsilon, self.logit_scale = config[17:19]
        need(not any(config[19:]), "reserved fields")
        self.meta = self.sections[7][:-1].decode() if 7 in self.sections else ""
        self.read_tensors()

    def labels(self, kind):
        s = self.sections.get(kind)
        n = struct.unpack_from("<I", s)[0] if s else 0
        entries = [struct.unpack_from("<IIff", s, 8 + 16 * i) for i in range(n)]
        return [(s[at:at + size].decode(), gain, bias) for at, size, gain, bias in entries]

    def priors(self, kind):
        """The label shares of the calibration, or None."""
        n, at = struct.unpack_from("<2I", self.sections[kind]) if kind in self.sections else (0, 0)
        if at == 0:
            return None
        need(kind == 2 and at % 4 == 0 and 8 + 16 * n <= at <= len(self.sections[2]) - 4 * n, "place of the priors")
        shares = struct.unpack_from("<%df" % n, self.sections[2], at)
        need(min(shares) > 0 and max(shares) <= 1 and abs(sum(shares) - 1) <= 1e-3, "priors")
        return shares

    def tokens(self):
        s = self.sections[4]
        n, longest, slot_n, blob_len = struct.unpack_from("<4I", s)
        offset = np.frombuffer(s, "<u4", n + 1, 16)
        slots = np.frombuffer(s, "<u4", 2 * slot_n, 16 + 4 * (n + 1)).reshape(-1, 2)
        blob = s[16 + 4 * (n + 1) + 8 * slot_n:]
        need(n == self.vocab_n and len(blob) == blob_len and offset[-1] == blob_len, "vocabulary")
        tokens = [blob[offset[i]:offset[i + 1]] for i in range(n)]
        need(max(map(len, tokens)) == longest, "longest token")
        for token in set(tokens):  # each is found by the rule
            h = 2166136261
            for byte in token:
                h = (h ^ byte) * 16777619 % 2 ** 32
            at = h % slot_n
            while tokens[slots[at][1]] != token:
                at = (at + 1) % slot_n
                need(slots[at][1] != 0xffffffff, "token %r is not in the table" % token)
        return tokens

    def read_tensors(self):
        self.tensors, previous, data = {}, None, self.sections[6]
        for i in range(len(self.sections[5]) // 64):
            (part, slot, layer, dtype, layout, w_max, rows, cols, group, offset,
             length, chain, *zeros) = struct.unpack_from("<6H3I2Q2I2Q", self.sections[5], 64 * i)
            key = (layer, part, slot)
            need((previous is None or key > previous) and not any(zeros) and offset % 64 == 0, "tensor %r" % (key,))
            need(length == tensor_len(dtype, layout, rows, cols) and offset + length <= len(data), "size of %r" % (key,))
            x = elements(data[offset:offset + length], dtype, layout, rows, cols)
            need(chain in (0, 1, 2, 4) and (chain == 0 or layout == PANEL), "chain of %r" % (key,))
            if chain:
                check_chain(x, chain)
            self.tensors[key] = (x, NAMES.get(dtype, ""), rows, cols, group, w_max, layout)
            previous = key

    def get(self, layer, part, slot):
        return self.tensors.get((layer, part, slot), (None,))[0]

    def weight(self, layer, part):
        """A weight matrix as numbers [N, K]."""
        w, name, rows, cols, group, w_max, layout = self.tensors[layer, part, WEIGHT]
        if name[:1] != "q":
            return w.astype(np.float64)
        k32 = ceil_to(cols, 32)
        group_n = -(-k32 // group) if group else 1
        scale = self.get(layer, part, SCALE).astype(np.float64)
        if group and layout == PANEL:
            scale = scale.reshape(-1, group_n, 16).transpose(0, 2, 1).reshape(-1, group_n)[:rows]
        scale = scale.reshape(rows, group_n)
        need(layout == ROWS or np.abs(w).max() <= w_max, "a weight is above w_max")
        out = w * scale[:, np.arange(cols) // group if group else np.zeros(cols, int)]
        if layout == PANEL:
            total = out.sum(axis=1) if group else w.sum(axis=1)
            need(np.allclose(self.get(layer, part, SUM), total, rtol=1e-6, atol=1e-6), "sums of %s" % PARTS[part])
        if self.get(layer, part, INPUT_SCALE) is not None:
            out = out * self.get(layer, part, INPUT_SCALE)
        if self.get(layer, part, OUTLIER_INDEX) is not None:
            index = self.get(layer, part, OUTLIER_INDEX)
            need(not out[:, index].any(), "an outlier channel has weights")
            out[:, index] = self.get(layer, part, OUTLIER_WEIGHT).T
        return out


def checkpoint(folder):
    out = {}
    for path in glob.glob(os.path.join(folder, "*.safetensors")):
        raw = open(path, "rb").read()
        size = struct.unpack_from("<Q", raw)[0]
        for name, t in json.loads(raw[8:8 + size]).items():
            if name == "__metadata__" or t["dtype"] not in ("F32", "F16", "BF16"):
                continue
            x = np.frombuffer(raw[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]],
                              {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}[t["dtype"]])
            if t["dtype"] == "BF16":
                x = (x.astype("<u4") << 16).view("<f4")
            name = name.removeprefix("distilbert.").removeprefix("bert.")
            out[name.replace("gamma", "weight").replace("beta", "bias")] = x.reshape(t["shape"]).astype(np.float64)
    return out


def sources(layer, part, bert, both):
    """Names of the checkpoint's tensors that make up a part, without .weight and .bias; 'both' heads."""
    e, t = "embeddings.", ("encoder" if bert else "transformer") + ".layer.%d." % layer
    return [n for n in {
        1: [e + "word_embeddings"], 2: [e + "position_embeddings"], 3: [e + "token_type_embeddings"],
        4: [e + "LayerNorm"], 11: ["pooler.dense" if bert else "pre_classifier"], 12: ["classifier"],
        13: ["token_classifier" if both else "classifier"],
        5: [t + n for n in (("attention.self.query", "attention.self.key", "attention.self.value") if bert else
                            ("attention.q_lin", "attention.k_lin", "attention.v_lin"))],
        6: [t + ("attention.output.dense" if bert else "attention.out_lin")],
        7: [t + ("attention.output.LayerNorm" if bert else "sa_layer_norm")],
        8: [t + ("intermediate.dense" if bert else "ffn.lin1")], 9: [t + ("output.dense" if bert else "ffn.lin2")],
        10: [t + ("output.LayerNorm" if bert else "output_layer_norm")]}[part]]


def compare(model, folder):
    """Prints the error of each tensor; returns the largest relative one."""
    source, worst, shift = checkpoint(folder), 0.0, None
    if model.tensors[0, 1, WEIGHT][1][0] == "q":  # a constant row may lie with the positions: section 5
        got = model.weight(0, 2)[1:]
        shift = (got - source["embeddings.position_embeddings.weight"][1:len(got) + 1]).mean(axis=0)
    for layer, part, slot in model.tensors:
        if slot not in (WEIGHT, BIAS):
            continue
        names = [n + (".weight" if slot == WEIGHT else ".bias") for n in sources(
            layer, part, model.arch == 2, model.label_n and model.token_label_n)]
        want = np.concatenate([source[n] for n in names])
        norm = part in (4, 7, 10) or slot == BIAS
        got = model.get(layer, part, slot) if norm else model.weight(layer, part)
        want = want[:len(got)]  # the position table may be cut
        if part in (1, 2) and shift is not None:
            got, want = got + (shift if part == 1 else -shift), want.copy()
            if part == 2:  # with the row of [CLS], the sum must be right
                got[0] += model.weight(0, 1)[model.cls] + shift
                want[0] += source["embeddings.word_embeddings.weight"][model.cls]
        error = math.sqrt(((got - want) ** 2).mean() / ((want ** 2).mean() + 1e-30))
        worst = max(worst, error) if slot == WEIGHT else worst
        print("%2d %-16s %-6s %-4s %-14s relative error %.6f, largest %.6f" % (
            layer, PARTS[part], "weight" if slot == WEIGHT else "bias", model.tensors[layer, part, slot][1],
            list(got.shape), error, np.abs(got - want).max()))
    return worst


def examples():
    for data, want in ((b"", 0x86e995069ff4d6df), (b"a", 0x04a97e220e5c983a), (b"relevance", 0xad92051e5062c862),
                       (bytes(range(128)), 0x7f769aa93c666a5f), (bytes(128), 0x86ea15069ff5b05f),
                       (bytes(i % 256 for i in range(300)), 0xefb77238856b320b)):
        assert checksum(data) == want
    q8 = bytes.fromhex("01020300fffefd00") + bytes(504)
    assert elements(q8, 8, PANEL, 2, 3).tolist() == [[1, 2, 3], [-1, -2, -3]]
    q6 = bytes(17 * i for i in range(16)) + b"\xa5" * 8 + bytes(40)
    assert elements(q6, 22, ROWS, 1, 32).tolist() == [list(range(-16, 16))]
    q3 = bytes.fromhex("0055aaff0055aafff0f0f0f0") + bytes(52)
    assert elements(q3, 19, ROWS, 1, 32).tolist() == [[i % 8 - 4 for i in range(32)]]
    even, odd = bytes.fromhex("40516273") + b"\x88" * 60, bytes.fromhex("c8d9eafb") + b"\x88" * 60
    q4 = elements(even + odd + even + odd, 20, PANEL, 1, 32)
    assert q4.tolist() == [[i % 16 - 8 for i in range(32)]]
    print("the examples of docs/format.md are read as it says")


def main(argv):
    if argv[1:] == ["--examples"]:
        return examples()
    if len(argv) not in (2, 3) or argv[1].startswith("-"):
        sys.exit(__doc__)
    model = Model(open(argv[1], "rb").read())
    print("%s, %d layers, hidden size %d, %d tokens in the vocabulary, labels %s, tensors %d" % (
        "BERT" if model.arch == 2 else "DistilBERT", model.layers, model.hidden, len(model.tokens()),
        [name for name, gain, bias in model.labels(2) + model.labels(3)], len(model.tensors)))
    if model.priors(2) or model.priors(3):
        print("priors", " ".join("%.6f" % p for p in model.priors(2)))
    print(model.meta, end="")
    if len(argv) == 3:
        print("largest relative error of a weight matrix: %.6f" % compare(model, argv[2]))
        return
    for (layer, part, slot), (x, name, rows, cols, group, w_max, layout) in model.tensors.items():
        print("%2d %-16s slot %d %-4s [%d, %d] group %d w_max %d" % (layer, PARTS[part], slot, name, rows, cols, group, w_max))


if __name__ == "__main__":
    main(sys.argv)
