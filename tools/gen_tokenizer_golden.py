#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes test/golden/tokenizer.tsv and test/golden/vocab.txt for test/test_tokenizer.c.

    python tools/gen_tokenizer_golden.py test/golden [--vocab VOCAB.TXT]

vocab.txt is an extract of the vocabulary of bert-base-uncased (Google, Apache-2.0): the control
tokens, one in eight of the single characters that are not ASCII, all that are, and the first words
and pieces (the original order is by frequency) as they fit.  After them come the characters of the
texts below in normalised form, so that the ids show each of them; the snowman stays unknown.  The
file is made anew where --vocab names the original; else the one that is there is kept.

tokenizer.tsv holds what PyPI `tokenizers` makes of a list of texts with that vocabulary:
    flags  parse_special  max_length  text  second text  ids
flags of enum rlv_config_flags; max_length 0: the ids of one text without [CLS] and [SEP]; else of
the pair, cut to max_length.  In texts a backslash is \\\\, a byte outside 0x20..0x7e is \\xHH.
"""
import argparse
import os
import sys

import tokenizers
from tokenizers.normalizers import BertNormalizer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parity"))
from tokenizer_parity import (  # noqa: E402
    ALL, CJK, LOWER, SPECIALS, STRIP, Texts, decode, reference)

SEED = 20240917
VOCAB_SIZE = 38_000  # bytes of the extract
RANDOM_TEXTS = 900
RANDOM_SIZE = 160  # bytes; longer random texts are left out

RULES = [  # one line or more for each rule of docs/tokenizer.md
    "running shoes", "Women's Running-Shoes (Size 10.5)", "", " ", "\t\n\r",
    "a b\u00a0c\u3000d\u2028e",
    # clean
    "a\u200bb", "soft\u00adhyphen", "\u2764\ufe0f", "a\0b", "a\ufffdb", "\x07\x1b[1mbell",
    "a\u0085b", "a\x0bb\x0cc", "\ue000x", "x\U000e0041y", "a\u0378b",
    # ideographs
    "\u4e2d\u56fd", "a\u4e2db", "\u3400\u4dbf\U00020000\U0002a6df", "\uf900\U0002f800",
    "\U0002b820\U0002b91f\U0002b920", "\u30e9\u30f3\u30cb\u30f3\u30b0\u30b7\u30e5\u30fc\u30ba",
    "\ud55c\uad6d\uc5b4", "\u65e5\u672c\u8a9e\u3067\u3059", "\u4e2d\u302eb", "a\u302f\u4e2d\u302e",
    # decomposition, marks, their order
    "Caf\u00e9", "Cafe\u0301", "na\u00efve \u00c5ngstr\u00f6m", "\u1e69\u0323\u0307",
    "\u1100\u1161\u11a8", "\uac00\uac01", "a\u302f\u302e", "a\u302eb", "a\u302e\u302fb\u302e",
    "a\u302e\u034f\U0001d165", "a\u302e\u0301\U0001d165", "a\u302f\u0334\u302e",
    "a\u302e\u0334\u302f",
    "\U0001d160\u302e", "\U0001d15e", "a\U0001d165\U00016ff0\u302f\u302e\U0001d16d\u302a",
    "\u0344x", "\u0b48", "e\u0301" * 60, "\u0301" * 10, "\u302e" * 100, "\u302e" * 101 + "\u302f",
    "\u0958\u095f",
    # lower case
    "STRASSE \u1e9e \u00df", "\u0130stanbul I\u0307", "\u03a3\u03a3 \u03a3", "\ufb01\ufb02",
    "\u01c5", "\U00010400", "\u13a0\uab70", "\u00c9",
    # punctuation
    "a.b,c;d:e!f?g", "$5.99 + 10% = ^_^ `|~<>", "\u00a1hola! \u00bfqu\u00e9?",
    "\u201cx\u201d\u2014y\u2026", "\u3001\u3002\uff01", "\u00a7 \u00b6 \u00b7",
    "a\u037eb\u0387c\u1fefd\u2329e", "a\u2e3ab\u2e52c",
    # words of about 100 characters, unknown remainders
    "a" * 100, "a" * 101, "\u00e9" * 100, "\u00e9" * 101, "\ud55c" * 33, "\ud55c" * 34,
    "x" * 99 + "\u4e2d", "shoe\u2603", "\u2603shoe", "unaffable", "##ing", "# #s",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    # control tokens
    "a[CLS]b", "[SEP] x", "[sep]", "[[SEP]]", "[CLS][SEP][PAD][MASK][UNK]", "[SE\u200bP]",
    "x [MASK] y", "[SEP", "\u0301[SEP]\u0301", "a\u302f[SEP]\u302e", "[unused0]",
]
DAMAGED = [
    b"a\xffb", b"\xc0\xaf", b"caf\xe9 bar", b"\xed\xa0\x80x", b"\xf4\x90\x80\x80", b"\xe2\x82",
    b"x\xe2\x82", b"\xe2\x82[SEP]", b"\xf0\x9f\x98 \xf0\x9f\x98\x80", b"\x80\x80", b"\xfe\xff",
    b"[SE\xffP]", b"e\xff\xcc\x81", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xc3(",
    b"\xf8\x88\x80", b"\xe0\x81\xa1", b"\xc1\xa1", b"\xf0\x80\x81\xa1",
]
PAIRS = [
    ("running shoes", "Trailblazer men's running shoe, size 10"), ("", "usb charger"), ("usb", ""),
    ("", ""), ("caf\u00e9 mug", "Mug for Caf\u00e9, 350 ml \u2013 white/blue"), ("a [SEP] b", "c"),
    ("kettle", "stainless steel electric kettle 1.7 l with auto shut-off, boil-dry protection"),
]
LENGTHS = [(3, 30), (20, 4), (10, 10), (13, 30), (40, 1), (7, 8), (0, 30), (30, 0), (6, 7), (7, 7)]


def normalised_characters():
    found = set()
    for strip in (False, True):
        for lower in (False, True):
            found.update(BertNormalizer(True, False, strip, lower).normalize_str("\n".join(RULES)))
    return sorted(found - set(" \u2603"))


def pick_vocabulary(source):
    with open(source, encoding="utf-8") as f:
        tokens = [line.rstrip() for line in f]
    bare = [t[2:] if t.startswith("##") and len(t) > 2 else t for t in tokens]
    exotic = [t for t, b in zip(tokens, bare) if len(b) == 1 and ord(b) >= 128]
    keep = set(SPECIALS) | {t for t, b in zip(tokens, bare) if len(b) == 1 and ord(b) < 128}
    keep |= {t for i, t in enumerate(exotic) if i % 8 == 0 or t.strip("#") in "\u00df\u2013\u2014"}
    size = sum(len(t.encode()) + 1 for t in keep)
    for t, b in zip(tokens, bare):
        if t in keep or len(b) == 1 or t.startswith("[unused"):
            continue
        size += len(t.encode()) + 1
        if size > VOCAB_SIZE:
            break
        keep.add(t)
    letters = [p + c for p in ("", "##") for c in normalised_characters()]
    return [t for t in tokens if t in keep] + [t for t in letters if t not in keep]


def escape(data):
    return "".join("\\\\" if b == 0x5C else chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}"
                   for b in data)


def row(ref, flags, parse, max_length, a, b):
    if max_length == 0:
        ids = ref.encode(decode(a), add_special_tokens=False).ids
    else:
        ref.enable_truncation(max_length, strategy="longest_first")
        ids = ref.encode(decode(a), decode(b)).ids
        ref.no_truncation()
    return "\t".join([str(flags), str(parse), str(max_length), escape(a), escape(b),
                      " ".join(map(str, ids))])


def all_rows(vocab):
    refs = {(f, p): reference(vocab, f, p) for f in range(8) for p in (0, 1)}
    singles = [t.encode() for t in RULES] + DAMAGED
    for t in singles:
        for flags, parse in ((ALL, 0), (ALL, 1), (CJK, 0), (LOWER + CJK, 0), (STRIP, 0)):
            yield row(refs[flags, parse], flags, parse, 0, t, b"")
    pairs = [(a.encode(), b.encode()) for a, b in PAIRS]
    pairs += [(b"a " * n, b"b " * m) for n, m in LENGTHS]
    for a, b in pairs:
        for max_length in (3, 4, 5, 8, 16, 64):
            for parse in (0, 1):
                yield row(refs[ALL, parse], ALL, parse, max_length, a, b)
    with open(vocab, encoding="utf-8") as f:
        texts = Texts(SEED, [w.strip() for w in f if w.strip()])
    for i in range(RANDOM_TEXTS):
        t, flags, parse = texts.text(), i // 2 % 8 if i % 2 else ALL, i // 16 % 2
        if len(t) <= RANDOM_SIZE:
            yield row(refs[flags, parse], flags, parse, 0, t, b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--vocab", help="vocab.txt of bert-base-uncased, to make the extract anew")
    args = parser.parse_args()
    vocab = os.path.join(args.folder, "vocab.txt")
    if args.vocab:
        with open(vocab, "w", encoding="utf-8", newline="") as f:
            f.write("\n".join(pick_vocabulary(args.vocab)) + "\n")
    with open(os.path.join(args.folder, "tokenizer.tsv"), "w", encoding="ascii") as f:
        f.write("# Generated by tools/gen_tokenizer_golden.py with tokenizers "
                f"{tokenizers.__version__}, seed {SEED}.\n")
        f.writelines(r + "\n" for r in all_rows(vocab))


if __name__ == "__main__":
    main()
