# SPDX-License-Identifier: Apache-2.0
"""Tables of labelled query-product pairs: what the tools of this folder share.

A table is UTF-8, tab-separated, without quoting, with one header line.  Standard library only.
"""
import hashlib
import os
import re
import sys

LABELS = {"E": "Exact", "S": "Substitute", "C": "Complement", "I": "Irrelevant"}


class DataError(Exception):
    """An input is not as it should be; the text names what and where."""


def letter(label):
    """'Exact', 'exact' or 'E' -> 'E'; None for anything else."""
    for short, name in LABELS.items():
        if label.strip().lower() in (short.lower(), name.lower()):
            return short
    return None


def clean(text):
    """One line without tabs: runs of white space become a space."""
    return " ".join(text.split())


def query_key(query):
    """Equal for queries that differ in case and spacing alone."""
    return clean(query).casefold()


def pair_key(query, title):
    return query_key(query) + "\t" + clean(title).casefold()


def read_table(path, needed):
    """The rows of a table as dicts, each with its line number as '#'."""
    rows = []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}") from error
    if lines[-1] != "":
        raise DataError(f"{path}:{len(lines)}: the last line has no newline")
    columns = lines[0].split("\t")
    missing = [c for c in needed if c not in columns]
    if missing:
        raise DataError(f"{path}:1: no column {', '.join(missing)}")
    for number, line in enumerate(lines[1:-1], 2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise DataError(f"{path}:{number}: {len(cells)} columns, not {len(columns)}")
        row = dict(zip(columns, cells))
        row["#"] = number
        rows.append(row)
    return rows


def write_table(path, columns, rows):
    """Writes all or nothing, under another name first; returns the SHA-256 of the file."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    lines = ["\t".join(columns)]
    for row in rows:
        cells = [row[c] for c in columns]
        bad = next((c for c in cells if re.search(r"[\t\n\r]", c)), None)
        if bad is not None:
            raise DataError(f"{path}: tab or line break in {bad!r}")
        lines.append("\t".join(cells))
    data = ("\n".join(lines) + "\n").encode()
    part = path + ".part"
    with open(part, "wb") as file:
        file.write(data)
    os.replace(part, path)
    return hashlib.sha256(data).hexdigest()


def collect(found, dropped):
    """Rows of an iterable of (query, title, label, source), each pair once.

    Counts in 'dropped': "copy", further copies of a pair, and "two labels": a pair that people
    labelled twice and differently is dropped altogether, since neither label can be trusted.
    """
    rows, labels = [], {}
    for query, title, label, source in found:
        key = pair_key(query, title)
        if key in labels:
            dropped["copy"] += 1
        else:
            rows.append({"query": query, "title": title, "label": label, "source": source})
        labels.setdefault(key, set()).add(label)
    kept = [r for r in rows if len(labels[pair_key(r["query"], r["title"])]) == 1]
    dropped["two labels"] = len(rows) - len(kept)
    return kept


def write_converted(program, out, convert, nothing):
    """The end of a converter: the table of convert() -> (rows, dropped), and a line that tells of it.

    'nothing' is the message where there is no row.  Exit status 2 on any error, with its message.
    """
    try:
        rows, dropped = convert()
        if not rows:
            raise DataError(nothing)
        digest = write_table(out, ["query", "title", "label", "source"], rows)
    except (DataError, OSError, UnicodeDecodeError, ImportError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{out}: {len(rows)} pairs {tally(rows, 'label')}, dropped {dropped}, sha256 {digest}")


def tally(rows, column):
    counts = {}
    for row in rows:
        counts[row[column]] = counts.get(row[column], 0) + 1
    return dict(sorted(counts.items()))
