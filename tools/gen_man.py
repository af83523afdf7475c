#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gen_man.py - a manual page for each command, relevance-COMMAND.1, from its help text.

usage: tools/gen_man.py RELEVANCE OUT_DIR

The help texts are where the commands are described; 'make' runs this after building the program, so
the pages are those of the program beside them.  Paragraphs are filled again; options, each a line
that begins with a dash, become a list; other indented lines stay as they are.
"""
import pathlib
import re
import subprocess
import sys
import textwrap

DATE = "November 26, 2026"


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("^", "\\(ha") \
        .replace("~", "\\(ti")
    lines = []
    for sentence in re.split(r"(?<=[.!?])\s+", " ".join(text.split())):
        lines += textwrap.wrap(sentence, 96, break_long_words=False, break_on_hyphens=False)
    return [("\\&" if line[:1] in ".'" else "") + line for line in lines]


def literal(lines):
    lines = textwrap.dedent("\n".join(lines)).split("\n")
    return [".Bd -literal -offset indent"] + \
        [("\\&" if line[:1] in ".'" else "") + line.replace("\\", "\\e").replace("-", "\\-")
         for line in lines] + [".Ed"]


def page(command, text, version):
    lines = text.rstrip().split("\n")
    title = re.match(rf"relevance {command} - (.*)", lines[0])
    if title:
        lines = lines[1:]
    out = ['.\\" SPDX-License-Identifier: Apache-2.0', f'.\\" From "relevance help {command}".',
           f".Dd {DATE}", f".Dt RELEVANCE-{command.upper()} 1", f".Os librelevance {version}",
           ".Sh NAME", f".Nm relevance-{command}",
           ".Nd " + (" ".join(roff(title[1])) if title else SUMMARIES[command])]
    body, synopsis = [], []
    i = 0
    while i < len(lines):
        if re.match(r"usage:", lines[i], re.I):
            synopsis.append(re.sub(r"^usage: *", "", lines[i], flags=re.I))
            while i + 1 < len(lines) and re.match(r" {7}\S", lines[i + 1]):
                i += 1
                synopsis.append(lines[i].strip())
        else:
            body.append(lines[i])
        i += 1
    out += [".Sh SYNOPSIS"] + literal(synopsis)
    out += [".Sh DESCRIPTION"]
    paragraph, block, options = [], [], False
    fresh = True  # nothing yet under the heading: no .Pp

    def end_paragraph():
        nonlocal fresh
        if paragraph:
            if not fresh:
                out.append(".Pp")
            out.extend(roff(" ".join(paragraph)))
            paragraph.clear()
            fresh = False

    def end_block():
        nonlocal fresh
        if block:
            out.extend(literal(block))
            block.clear()
            fresh = False

    def end_options():
        nonlocal options, fresh
        if options:
            out.append(".El")
            options = False
            fresh = False

    for line in body + [""]:
        m = re.match(r"^ +(-\S.*?)(?: {2,}(.*))?$", line)
        if m and not block:
            end_paragraph()
            if not options:
                out.append(".Bl -tag -width Ds")
                options = True
            out.append(".It " + " ".join(roff(m[1])))
            if m[2]:
                out.extend(roff(m[2]))
        elif options and line.startswith(" " * 4):
            out.extend(roff(line))
        elif line.startswith("  "):
            end_options()
            end_paragraph()
            block.append(line)
        elif re.match(r"^[A-Z][A-Za-z ]*:$", line):
            end_options()
            end_block()
            end_paragraph()
            out.append(".Sh " + line[:-1].upper())
            fresh = True
        elif not line:
            end_options()
            end_block()
            end_paragraph()
        else:
            end_options()
            end_block()
            paragraph.append(line)
    out += [".Sh SEE ALSO", ".Xr relevance 1"]
    return "\n".join(out) + "\n"


SUMMARIES = {}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    exe, folder = sys.argv[1], pathlib.Path(sys.argv[2])

    def says(*arguments):
        return subprocess.run([exe, *arguments], check=True, capture_output=True, text=True).stdout

    version = says("--version").split()[1]
    overview = says("help").split("Examples:")[0]
    SUMMARIES.update(re.findall(r"^  ([a-z]+) +(.*)$", overview, re.M))
    folder.mkdir(parents=True, exist_ok=True)
    for command in SUMMARIES:
        if command != "help":
            (folder / f"relevance-{command}.1").write_text(page(command, says("help", command), version),
                                                           encoding="utf-8")


if __name__ == "__main__":
    main()
