#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns ECInstruct files into a table of labelled pairs.

    python3 tools/data/from_ecinstruct.py ecinstruct_train.tsv ECInstruct.json --split train

ECInstruct (Peng et al., ICML 2024; https://github.com/ninglab/eCeLLM) is CC-BY-4.0, its pairs
come from ESCI (Apache-2.0): name both.  A file is a JSON list, or one JSON object a line, of
records with instruction, input, options and output, and, where all tasks are in one file, split,
task and setting.  'input' is JSON in a string.  Read are

    Multiclass_Product_Classification     input {"query", "product title"}; output one of the
                                          options A to D: Exact, Substitute, Complement, Irrelevant
    Product_Substitute_Identification     input {"query", "product"}; output yes or no.  "yes" is a
                                          Substitute; "no" says only what a pair is not, and is left
                                          out

Query_Product_Rank gives an order without labels; it and the other tasks are left out.  The same
pair occurs under several instructions: it is written once.  Options may be in any order: the
label follows the option's text.  Titles of ECInstruct were reduced to ASCII by its authors.

Writes query, title, label, source ("ecinstruct").  Standard library only.  Exit status 2 when an
input is not as described.
"""
import argparse
import json
import re

import pairs

CLASSIFY = "Multiclass_Product_Classification"
IDENTIFY = "Product_Substitute_Identification"
# A part of each option's text that no other has.
MEANING = (("satisfies all the query specifications", "E"), ("functional substitute", "S"),
           ("in combination with", "C"), ("irrelevant to the query", "I"))


def records(path):
    """(where, record) of a JSON list or of JSON lines."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        if text.lstrip().startswith("["):
            return [(f"{path}: record {i}", r) for i, r in enumerate(json.loads(text), 1)]
        return [(f"{path}:{i}", json.loads(line)) for i, line in enumerate(text.split("\n"), 1)
                if line.strip()]
    except json.JSONDecodeError as error:
        raise pairs.DataError(f"{path}: not JSON: {error}") from error


def label_of(output):
    """'B: The product is somewhat relevant ...' -> 'S'; None where no option's text is in it."""
    found = [label for text, label in MEANING if text in output.lower()]
    return found[0] if len(found) == 1 else None


def label_of_letter(output, options):
    """The same for a bare 'B' or 'B.', by way of the record's options."""
    letter = re.fullmatch(r"\s*([A-D])\s*[:.)]?\s*", output)
    if not letter:
        return None
    if isinstance(options, str):
        try:
            options = json.loads(options)
        except json.JSONDecodeError:
            return None
    chosen = [o for o in options or [] if str(o).strip().startswith(letter[1] + ":")]
    return label_of(str(chosen[0])) if len(chosen) == 1 else None


def pair(where, record):
    """(query, title, label); None where the record is of another task or tells no label."""
    if not isinstance(record, dict):
        raise pairs.DataError(f"{where}: not an object")
    task = record.get("task")
    if task is not None and task not in (CLASSIFY, IDENTIFY):
        return None
    text, output = record.get("input"), record.get("output")
    if not isinstance(text, str) or not isinstance(output, str):
        raise pairs.DataError(f"{where}: input and output are not both strings")
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        if task is None:
            return None  # another task's file
        raise pairs.DataError(f"{where}: input is not a JSON object")
    query = fields.get("query")
    if isinstance(fields.get("product title"), str):
        title = fields["product title"]
        label = label_of(output) or label_of_letter(output, record.get("options"))
        if label is None:
            raise pairs.DataError(f"{where}: output {output[:60]!r} is none of the four options")
    elif isinstance(fields.get("product"), str):
        title = fields["product"]
        answer = output.strip().lower()
        if answer not in ("yes", "no"):
            raise pairs.DataError(f"{where}: output {output[:60]!r} is not yes or no")
        label = "S" if answer == "yes" else None
    elif task is None:
        return None
    else:
        raise pairs.DataError(f"{where}: input has no product title")
    if not isinstance(query, str):
        raise pairs.DataError(f"{where}: input has no query")
    return pairs.clean(query), pairs.clean(title), label


def convert(paths, split, setting):
    dropped = {"other task": 0, "other split or setting": 0, "no label": 0, "empty": 0, "copy": 0,
               "two labels": 0}

    def found():
        for where, record in (r for path in paths for r in records(path)):
            if isinstance(record, dict) and (
                    (split and record.get("split") not in (None, split)) or
                    (setting and record.get("setting") not in (None, setting))):
                dropped["other split or setting"] += 1
                continue
            labelled = pair(where, record)
            if labelled is None or labelled[2] is None:
                dropped["other task" if labelled is None else "no label"] += 1
            elif not labelled[0] or not labelled[1]:
                dropped["empty"] += 1
            else:
                yield (*labelled, "ecinstruct")

    return pairs.collect(found(), dropped), dropped


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="table to write")
    parser.add_argument("files", nargs="+", help="ECInstruct files")
    parser.add_argument("--split", help="train, val or test; records without a split always count")
    parser.add_argument("--setting", help="for example IND_Diverse_Instruction; as --split")
    args = parser.parse_args()
    pairs.write_converted("from_ecinstruct.py", args.out,
                          lambda: convert(args.files, args.split, args.setting),
                          f"no labelled pair in {' '.join(args.files)}")


if __name__ == "__main__":
    main()
