#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line coverage of lib/ and kernels/ from builds with --coverage that have run their tests.

    test/coverage.py BUILD_DIR[:GCOV]... [--min PERCENT] [--lines]

A line counts as run when any build, or any instance of a template (.inc), ran it.  GCOV is the gcov
of the compiler that made the build (aarch64-linux-gnu-gcov ...).  --lines lists the lines that
nothing ran; --min fails below that percentage in all.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys


def gcov(program, data_file, root):
    """The files of one object: {name: {line: executions}}."""
    out = subprocess.run([program, "--json-format", "--stdout", str(data_file)], cwd=root,
                         capture_output=True, check=False).stdout
    files = {}
    for document in out.decode().splitlines():
        for entry in json.loads(document)["files"]:
            lines = files.setdefault(os.path.normpath(entry["file"]), {})
            for line in entry["lines"]:
                number = line["line_number"]
                lines[number] = lines.get(number, 0) + line["count"]
    return files


def collect(build, program, root, total):
    """All objects: tests include sources of the library, to reach what is static there."""
    for notes in sorted(build.rglob("*.gcno")):
        for name, lines in gcov(program, notes.resolve(), root).items():
            if name.startswith(("lib/", "kernels/")):
                merged = total.setdefault(name, {})
                for number, count in lines.items():
                    merged[number] = merged.get(number, 0) + count


def ranges(numbers):
    text, start, last = [], None, None
    for n in numbers + [None]:
        if start is not None and n != last + 1:
            text.append(str(start) if start == last else f"{start}-{last}")
            start = None
        if start is None:
            start = n
        last = n
    return " ".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="+")
    parser.add_argument("--min", type=float, default=0)
    parser.add_argument("--lines", action="store_true")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    total = {}
    for build in arguments.build:
        folder, _, program = build.partition(":")
        known = len(total)
        collect(pathlib.Path(folder), program or "gcov", root, total)
        if len(total) == known == 0:
            sys.exit(f"{folder}: no coverage data")
    run = known = 0
    print(f"{'file':34} {'lines':>6} {'run':>6} {'%':>6}")
    for name in sorted(total):
        lines = total[name]
        hit = sum(1 for count in lines.values() if count)
        run, known = run + hit, known + len(lines)
        print(f"{name:34} {len(lines):6} {hit:6} {100 * hit / len(lines):6.1f}")
        if arguments.lines and hit < len(lines):
            print("    not run: " + ranges(sorted(n for n, c in lines.items() if not c)))
    percent = 100 * run / known
    print(f"{'all':34} {known:6} {run:6} {percent:6.1f}")
    if percent < arguments.min:
        sys.exit(f"coverage: {percent:.1f} % of the lines, {arguments.min} wanted")


if __name__ == "__main__":
    main()
