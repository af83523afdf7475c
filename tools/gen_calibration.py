#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tools/calibration_text.h from data/calibration.tsv: the pairs that the converter runs
through a model by default.

    python3 tools/gen_calibration.py data/calibration.tsv tools/calibration_text.h

Changing a pair changes the quantised models made with it.
"""
import argparse

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/gen_calibration.py from data/calibration.tsv: query and title of each pair. */
/* clang-format off */
#ifndef RLV_TOOLS_CALIBRATION_TEXT_H
#define RLV_TOOLS_CALIBRATION_TEXT_H

static const char *const calibration_text[][2] = {
"""
TAIL = """};

#endif /* RLV_TOOLS_CALIBRATION_TEXT_H */
"""


def literal(text):
    """A C string literal: bytes beyond printable ASCII as three octal digits, and no trigraphs."""
    out = []
    for byte in text.encode():
        if byte in b'"\\?':
            out.append("\\" + chr(byte))
        elif 32 <= byte < 127:
            out.append(chr(byte))
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tsv")
    parser.add_argument("header")
    args = parser.parse_args()
    with open(args.tsv, encoding="utf-8", newline="") as f:
        rows = [line.rstrip("\r\n").split("\t") for line in f]
    if rows[0] != ["query", "title"] or any(len(row) != 2 for row in rows):
        parser.error(f"{args.tsv}: columns query and title are expected")
    with open(args.header, "w", encoding="ascii", newline="\n") as f:
        f.write(HEAD)
        for query, title in rows[1:]:
            f.write(f"    {{{literal(query)},\n     {literal(title)}}},\n")
        f.write(TAIL)


if __name__ == "__main__":
    main()
