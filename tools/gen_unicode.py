#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes lib/unicode_tables.h: what the reference tokenizer does with every Unicode scalar value.

The reference is the PyPI package `tokenizers` (BertNormalizer, BertPreTokenizer).  Its character
data mix several Unicode versions (categories from an old table, decompositions from a newer one,
case and white space from the Rust compiler that built it), so no Unicode file reproduces it.  This
program asks it instead, scalar by scalar and rule by rule, and then checks on every scalar that
the rules, composed, give what the whole normalizer gives under all eight settings of its flags.

    python tools/gen_unicode.py lib/unicode_tables.h      (half a minute)

Table: a two-stage table gives each scalar the index of a record.  A record holds flags, the rank of
the canonical combining class, and the two mappings (decompose and drop marks; lowercase).  Hangul
syllables are decomposed by arithmetic (Unicode 15, section 3.12) and have one record.
"""
import argparse
import sys
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

BLOCK = 128  # scalars of one block of the second stage; 64 and 256 make greater tables

# Flags of a record; RLV_U_* in the output.
DROP, SPACE, CJK, PUNCT, MARK, STARTER_MARK, HANGUL = 1, 2, 4, 8, 16, 32, 64
FLAG_NOTES = [
    ("DROP", DROP, "clean: vanishes"),
    ("SPACE", SPACE, "clean: becomes a space"),
    ("CJK", CJK, "ideograph: a word of its own"),
    ("PUNCT", PUNCT, "in normalised text: a word of its own"),
    ("MARK", MARK, "strip accents: vanishes"),
    ("STARTER_MARK", STARTER_MARK, "with MARK: has combining class 0, so ends a run of marks"),
    ("HANGUL", HANGUL, "strip accents: decomposes by arithmetic into 2 or 3 jamo"),
]
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def bert(clean=False, cjk=False, strip=False, lower=False):
    return normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=cjk,
                                      strip_accents=strip, lowercase=lower).normalize_str


class Reference:
    """The reference's answer for each scalar, one rule at a time."""

    def __init__(self):
        chars = [chr(c) for c in SCALARS]
        self.clean = dict(zip(SCALARS, map(bert(clean=True), chars)))
        self.cjk = dict(zip(SCALARS, map(bert(cjk=True), chars)))
        self.strip = dict(zip(SCALARS, map(bert(strip=True), chars)))
        self.lower = dict(zip(SCALARS, map(bert(lower=True), chars)))
        self.nfd = dict(zip(SCALARS, map(normalizers.NFD().normalize_str, chars)))
        split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
        self.pieces = {c: len(split("a" + chr(c) + "b")) for c in SCALARS}
        self.rank = self.combining_ranks()

    def combining_ranks(self):
        """Rank of the combining class of each scalar that does not decompose; 0 for a starter.

        Two characters change places under NFD exactly if 0 < class(second) < class(first).  U+0334
        has class 1 and U+0345 class 240, the least and the greatest there are.
        """
        nfd = normalizers.NFD().normalize_str
        low, high = "\u0334", "\u0345"
        moved = [c for c in SCALARS if self.nfd[c] == chr(c) and
                 (nfd(chr(c) + low) != chr(c) + low or nfd(high + chr(c)) != high + chr(c)
                  or chr(c) in (low, high))]
        probes = {}
        for c in moved:
            probes.setdefault(unicodedata.combining(chr(c)), chr(c))
        probes.pop(0, None)
        return {c: 1 + sum(nfd(chr(c) + p) != chr(c) + p for p in probes.values()) for c in moved}


def is_hangul(c):
    return 0xAC00 <= c <= 0xD7A3


def hangul_jamo(c):
    i = c - 0xAC00
    jamo = [0x1100 + i // 588, 0x1161 + i % 588 // 28] + ([0x11A7 + i % 28] if i % 28 else [])
    return "".join(map(chr, jamo))


def flags_of(ref, c):
    ch, flags = chr(c), 0
    if ref.clean[c] == "":
        flags |= DROP
    elif ref.clean[c] == " ":
        flags |= SPACE
    elif ref.clean[c] != ch:
        sys.exit(f"U+{c:04X}: clean is neither removal, space nor identity")
    if ref.cjk[c] == f" {ch} ":
        flags |= CJK
    elif ref.cjk[c] != ch:
        sys.exit(f"U+{c:04X}: unexpected CJK rule")
    if ref.pieces[c] == 3:
        flags |= PUNCT
    if ref.strip[c] == "":
        flags |= MARK | (0 if all(ord(d) in ref.rank for d in ref.nfd[c]) else STARTER_MARK)
    if is_hangul(c):
        if ref.strip[c] != hangul_jamo(c):
            sys.exit(f"U+{c:04X}: Hangul does not decompose by the rule")
        flags |= HANGUL
    return flags


def check_assumptions(ref):
    """What tokenizer.c takes for granted; an other reference version might break it."""
    for c in SCALARS:
        if ref.clean[c] == "":
            continue
        white = ref.pieces[c] == 2
        if white != (ref.clean[c] == " "):
            sys.exit(f"U+{c:04X}: the normalizer and the pre-tokenizer differ about white space")
        if white:
            continue
        for d in ref.strip[c] + ref.lower[c]:
            if ref.pieces[ord(d)] == 2:
                sys.exit(f"U+{c:04X}: maps to white space")
        if c in ref.rank and ref.strip[c] and ref.pieces[c] != 1:
            sys.exit(f"U+{c:04X}: a combining character that is a word of its own")
        # A decomposition may lose a mark of class 0, but none that ends a run of marks that stay.
        run = ref.strip[c] != "" and ord(ref.nfd[c][0]) in ref.rank
        for d in map(ord, ref.nfd[c] if ref.strip[c] else ""):
            if run and ref.strip[d] == "" and d not in ref.rank:
                sys.exit(f"U+{c:04X}: a mark of class 0 ends a run inside its decomposition")
            run = d in ref.rank and (run or ref.strip[d] != "")
    for c in SCALARS:
        for bits in range(8):
            cjk, strip, lower = bits & 1, bits & 2, bits & 4
            out = ref.clean[c]
            if cjk and out not in ("", " "):
                out = ref.cjk[c]
            if strip:
                out = "".join(ref.strip[ord(d)] for d in out)
            if lower:
                out = "".join(ref.lower[ord(d)] for d in out)
            if out != CHECKERS[bits](chr(c)):
                sys.exit(f"U+{c:04X}: rules do not compose under flags {bits}")


CHECKERS = [bert(True, bool(b & 1), bool(b & 2), bool(b & 4)) for b in range(8)]


class Tables:
    """Records, the pool of longer mappings, and the two stages."""

    def __init__(self, ref):
        self.pool, self.pool_at = [], {}
        self.records, self.record_at = [], {}
        index = [self.record(self.plain_record())] * 0x110000
        for c in SCALARS:
            index[c] = self.record((flags_of(ref, c), ref.rank.get(c, 0),
                                    0 if is_hangul(c) else self.mapping(c, ref.strip[c]),
                                    self.mapping(c, ref.lower[c])))
        self.blocks, self.stage1 = [], []
        at = {}
        for start in range(0, 0x110000, BLOCK):
            block = tuple(index[start:start + BLOCK])
            if block not in at:
                at[block] = len(self.blocks)
                self.blocks.append(block)
            self.stage1.append(at[block])
        if len(self.blocks) > 256:
            sys.exit("more than 256 different blocks: the first stage needs 16 bits")

    @staticmethod
    def plain_record():
        return (0, 0, 0, 0)

    def record(self, r):
        if r not in self.record_at:
            self.record_at[r] = len(self.records)
            self.records.append(r)
        return self.record_at[r]

    def mapping(self, c, to):
        """0: itself, or (by flags) nothing; a distance; or POOLED and a place in the pool."""
        if to in (chr(c), ""):
            return 0
        if len(to) == 1:
            return ord(to) - c
        if to not in self.pool_at:
            self.pool_at[to] = len(self.pool)
            self.pool += [len(to)] + [ord(d) for d in to]
        return POOLED + self.pool_at[to]


POOLED = 0x200000  # greater than any distance between two scalars


def ascii_kinds(ref):
    kinds = []
    for c in range(128):
        if ref.clean[c] == "":
            kinds.append("D")
        elif ref.clean[c] == " ":
            kinds.append("S")
        else:
            kinds.append("P" if ref.pieces[c] == 3 else "L")
    return "".join(kinds)


def rows(values, per_row, form=str):
    for i in range(0, len(values), per_row):
        yield "    " + ", ".join(map(form, values[i:i + per_row])) + ",\n"


def facts(ref):
    """What the reference's data say, for the header's comment."""
    def count(mapping, test):
        return sum(test(c, v) for c, v in mapping.items())
    classes = len(set(ref.rank.values()))
    lines = [
        f"Of {len(SCALARS)} scalars, in the reference:",
        f"  {count(ref.clean, lambda c, v: v == '')} are removed by clean,",
        f"  {count(ref.clean, lambda c, v: v == ' ')} are white space,",
        f"  {count(ref.cjk, lambda c, v: len(v) == 3)} are ideographs that get spaces around them,",
        f"  {count(ref.pieces, lambda c, v: v == 3)} are punctuation,",
        f"  {count(ref.strip, lambda c, v: v == '')} are marks that strip_accents removes,",
        f"  {count(ref.strip, lambda c, v: v not in ('', chr(c)))} are changed by strip_accents,",
        f"  {count(ref.lower, lambda c, v: v != chr(c))} have a lower case,",
        f"  {len(ref.rank)} have a canonical combining class other than 0, of {classes} classes.",
    ]
    return "\n".join(" * " + line for line in lines)


def write(ref, t, out):
    size = (len(t.stage1) + len(t.blocks) * BLOCK * 2 + len(t.records) * 12 + len(t.pool) * 4)
    out.write(f"""/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unicode_tables.h - how the tokenizer treats each Unicode scalar value.
 *
 * Generated by tools/gen_unicode.py from tokenizers {tokenizers.__version__} (PyPI); do not edit.
{facts(ref)}
 * {size} bytes.
 *
 * Included by tokenizer.c only.
 */
#ifndef RLV_UNICODE_TABLES_H
#define RLV_UNICODE_TABLES_H

#include <stdint.h>

// clang-format off
enum rlv_unicode_flags {{
""")
    for name, value, note in FLAG_NOTES:
        out.write(f"    RLV_U_{name} = {value}, /* {note} */\n")
    out.write(f"""}};

/* A mapping: 0 to itself; >= RLV_U_POOLED a place in the pool; else the distance to its target. */
#define RLV_U_POOLED 0x{POOLED:x}
#define RLV_U_BLOCK {BLOCK}u

struct rlv_unicode {{
    uint16_t flags;
    uint16_t rank; /* of the canonical combining class; 0: a starter */
    int32_t strip; /* decompose, then drop marks */
    int32_t lower;
}};

static const struct rlv_unicode rlv_unicode_records[{len(t.records)}] = {{
""")
    out.writelines(rows(t.records, 5, lambda r: "{%d, %d, %d, %d}" % r))
    out.write(f"""}};

/* Longer mappings: how many scalars, then those. */
static const uint32_t rlv_unicode_pool[{max(1, len(t.pool))}] = {{
""")
    out.writelines(rows(t.pool or [0], 12))
    out.write(f"""}};

/* For scalar c: stage2[stage1[c / BLOCK]][c % BLOCK] is the index of its record. */
static const uint8_t rlv_unicode_stage1[{len(t.stage1)}] = {{
""")
    out.writelines(rows(t.stage1, 20))
    out.write(f"""}};

static const uint16_t rlv_unicode_stage2[{len(t.blocks)}][RLV_U_BLOCK] = {{
""")
    for b in t.blocks:
        if len(set(b)) == 1 and b[0] == 0:
            out.write("    {0},\n")
            continue
        out.write("    {\n" + "".join("    " + r for r in rows(b, 16)) + "    },\n")
    out.write("""};

/* ASCII in a byte each: L part of a word, P a word of its own, S white space, D dropped. */
static const char rlv_unicode_ascii[129] =
""")
    kinds = ascii_kinds(ref)
    out.write("".join(f'    "{kinds[i:i + 64]}"{";" if i else ""}\n' for i in (0, 64)))
    out.write("// clang-format on\n\n#endif /* RLV_UNICODE_TABLES_H */\n")
    print(f"{len(t.records)} records, pool {len(t.pool)}, {len(t.blocks)} blocks, {size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    args = parser.parse_args()
    ref = Reference()
    check_assumptions(ref)
    with open(args.output, "w", encoding="ascii") as out:
        write(ref, Tables(ref), out)


if __name__ == "__main__":
    main()
