#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gen_api.py - docs/api.md and docs/man/librelevance.3 from the comments of include/relevance.h.

usage: tools/gen_api.py            write both
       tools/gen_api.py --check    exit status 1 where one is not what would be written

The header is the one place where the interface is described.  What this reads of it:

 - the first comment: what the library is, its rules for threads, errors and texts;
 - a comment directly above a declaration belongs to it.  A function's begins "name() - what it
   does."; paragraphs are separated by empty lines; a line that begins 'name' (in quotes) describes an
   argument, deeper indented lines go on with it.

A declaration that follows no comment and a comment with no declaration are errors: the first is
undocumented, the second would be lost.
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/relevance.h"
SOURCE = "include/relevance.h"
# Declared without a comment of their own: what they are is said by the names or by the intro.
PLAIN = {"relevance_model", "relevance_context", "relevance_text", "relevance_pair",
         "RELEVANCE_VERSION_MAJOR", "RELEVANCE_VERSION_MINOR", "RELEVANCE_VERSION_PATCH"}
SKIPPED = {"RELEVANCE_H", "RELEVANCE_API"}


class Item:
    """A declaration and its comment: kind is function, struct, enum, typedef or macro."""

    def __init__(self, kind, name, code, comment):
        self.kind, self.name, self.code, self.comment = kind, name, code, comment
        self.summary, self.body = "", []  # body: ("text", str) and ("argument", name, str)
        self.read_comment()

    def read_comment(self):
        blocks = []
        for line in self.comment.split("\n"):
            argument = re.match(r"^'(\w+)'(?:\s+(.*))?$", line)
            if argument:
                blocks.append(["argument", argument[1], argument[2] or ""])
            elif not line.strip():
                blocks.append(["gap"])
            elif line.startswith("    ") and blocks and blocks[-1][0] == "code" or \
                    line.startswith("  ") and blocks and blocks[-1][0] in ("gap", "code") and \
                    line.startswith("    "):
                if blocks[-1][0] != "code":
                    blocks.append(["code", ""])
                blocks[-1][1] += line[4:] + "\n"
            elif blocks and blocks[-1][0] == "argument" and line.startswith(" "):
                blocks[-1][2] += " " + line.strip()
            elif blocks and blocks[-1][0] == "text" and not line.startswith("Returns "):
                blocks[-1][1] += " " + line.strip()
            else:
                blocks.append(["text", line.strip()])
        self.body = [tuple(b) for b in blocks if b[0] != "gap"]
        if self.kind == "function" and self.body and self.body[0][0] == "text":
            m = re.match(rf"{self.name}\(\) - (.*)$", self.body[0][1], re.S)
            if m is None:
                sys.exit(f"{SOURCE}: the comment of {self.name} does not begin '{self.name}() - '")
            self.summary = m[1]
            self.body = self.body[1:]


def comment_text(raw):
    """The inside of a /* */ comment, its margin taken off."""
    lines = raw[2:-2].split("\n")
    lines = [lines[0].strip()] + [re.sub(r"^ \*(?: |$)", "", line) for line in lines[1:]]
    lines = [line.rstrip() for line in lines]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


def declaration_end(text, at):
    """The offset behind the ; that ends the declaration at 'at', comments and braces skipped."""
    depth = 0
    while at < len(text):
        if text.startswith("/*", at):
            at = text.index("*/", at) + 2
            continue
        if text[at] in "{(":
            depth += 1
        elif text[at] in "})":
            depth -= 1
        elif text[at] == ";" and depth == 0:
            return at + 1
        at += 1
    return sys.exit(f"{SOURCE}: a declaration without an end")


def classify(code):
    m = re.match(r"(struct|enum) (\w+) \{", code)
    if m:
        return m[1], m[2]
    if code.startswith("RELEVANCE_API"):
        return "function", re.search(r"(relevance_\w+)\s*\(", code)[1]
    if code.startswith("typedef"):
        m = re.search(r"\(\*(\w+)\)|(\w+);$", code)
        return "typedef", m[1] or m[2]
    return sys.exit(f"{SOURCE}: what is this? {code[:60]}")


def parse():
    text = HEADER.read_text(encoding="utf-8")
    comments = list(re.finditer(r"/\*.*?\*/", text, re.S))
    intro = comment_text(comments[1][0])
    at = comments[1].end()
    items = []
    comment, comment_line = None, 0
    while at < len(text):
        if text[at].isspace():
            # An empty line separates a comment from what it does not describe.
            if text.startswith("\n\n", at) and comment is not None:
                lost(comment, comment_line)
            at += 1
            continue
        if text.startswith("/*", at):
            if comment is not None:
                lost(comment, comment_line)
            end = text.index("*/", at) + 2
            comment = comment_text(text[at:end])
            comment_line = text.count("\n", 0, at) + 1
            at = end
            if re.match(r"-+ .* -+$", comment):  # a heading
                comment = None
            continue
        if text[at] == "#":
            end = at
            while True:
                end = text.find("\n", end)
                if text[end - 1] != "\\":
                    break
                end += 1
            m = re.match(r"#define (\w+)(?:\(|\s|$)", text[at:end])
            if m and m[1] not in SKIPPED:
                add(items, "macro", m[1], text[at:end], comment)
            elif comment is not None:
                lost(comment, comment_line)
            comment = None
            at = end
            continue
        if text.startswith('extern "C" {', at):
            at += len('extern "C" {')
            continue
        if text[at] == "}":
            at += 1
            continue
        end = declaration_end(text, at)
        kind, name = classify(text[at:end])
        add(items, kind, name, text[at:end], comment)
        comment = None
        at = end
    return intro, items


def lost(comment, line):
    sys.exit(f"{SOURCE}:{line}: a comment that belongs to nothing: {comment[:60]}")


def add(items, kind, name, code, comment):
    if comment is None and name not in PLAIN and kind not in ("struct", "enum", "macro"):
        sys.exit(f"{SOURCE}: {name} has no comment")
    items.append(Item(kind, name, code, comment or ""))


KINDS = (("function", "Functions"), ("struct", "Structures"), ("enum", "Enumerations"),
         ("typedef", "Types"), ("macro", "Constants"))


def intro_parts(intro):
    """The paragraphs before the example, the example, the paragraphs after it; as text."""
    before, example, after, paragraph = [], [], [], []

    def end():
        if paragraph:
            (after if example else before).append(" ".join(paragraph))
            paragraph.clear()

    for line in intro.split("\n"):
        if line.startswith("    "):
            end()
            example.append(line[4:])
        elif not line:
            end()
            if example and not after:
                example.append("")
        else:
            paragraph.append(line.strip())
    end()
    return before, "\n".join(example).strip("\n"), after


# ---- Markdown ----

def mark(text, names):
    """Names of the interface as code, with links to where they are described."""
    parts = re.split(r"('\w+'|\b(?:relevance|RELEVANCE)_\w+(?:\(\))?|(?<!\w)_[A-Z_]+)", text)
    out = []
    for n, part in enumerate(parts):
        if n % 2 == 0:
            out.append(re.sub(r"([<*_])", r"\\\1", part))
            continue
        word = part.strip("'")
        name = word.removesuffix("()")
        out.append(f"[`{word}`](#{name.lower()})" if name in names else f"`{word}`")
    return "".join(out)


def shown(code):
    """Without the mark that makes a function visible."""
    if not code.startswith("RELEVANCE_API"):
        return code
    first, *rest = code.split("\n")
    margin = len("RELEVANCE_API ")
    rest = [line[margin:] if line.startswith(" " * 2 * margin) else line for line in rest]
    return "\n".join([first[margin:] if first[margin:] else ""] + rest).lstrip("\n")


def markdown(intro, items):
    names = {i.name for i in items}
    before, example, after = intro_parts(intro)
    out = ["# API reference", "",
           "Generated from the comments of [relevance.h](../include/relevance.h) by",
           "`tools/gen_api.py`; edit them, not this file.", ""]
    title = re.sub(r"^relevance\.h - ", "", before[0])
    out += [title[0].upper() + title[1:], ""]
    for p in before[1:]:
        out += [textwrap.fill(mark(p, names), 100, break_long_words=False), ""]
    out += ["```c", example.rstrip(), "```", ""]
    for p in after:
        p = re.sub(r"^(\w+)\.  ", r"**\1.** ", mark(p, names))
        out += [textwrap.fill(p, 100, break_long_words=False), ""]
    for kind, heading in KINDS:
        links = [f"[{i.name}](#{i.name.lower()})" for i in items if i.kind == kind]
        if links:
            out += [textwrap.fill(f"{heading}: " + ", ".join(links) + ".", 100,
                                  break_long_words=False, break_on_hyphens=False), ""]
    for item in items:
        out += [f"## {item.name}", "", "```c", shown(item.code), "```", ""]
        if item.summary:
            summary = item.summary[0].upper() + item.summary[1:]
            out += [textwrap.fill(mark(summary, names), 100, break_long_words=False), ""]
        previous = None
        for block in item.body:
            if previous == "argument" and block[0] != "argument":
                out.append("")
            if block[0] == "argument":
                out += [textwrap.fill(f"- `{block[1]}`: {mark(block[2], names)}", 100,
                                      subsequent_indent="  ", break_long_words=False)]
            elif block[0] == "code":
                out += ["```c", block[1].rstrip(), "```", ""]
            else:
                out += [textwrap.fill(mark(block[1], names), 100, break_long_words=False), ""]
            previous = block[0]
        if previous == "argument":
            out.append("")
    return "\n".join(out).rstrip() + "\n"


# ---- mdoc ----

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    lines = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):  # each begins a line: mdoc's own rule
        lines += textwrap.wrap(sentence, 96, break_long_words=False, break_on_hyphens=False)
    return "\n".join(("\\&" if line[:1] in ".'" else "") + line for line in lines)


def roff_code(text):
    return "\n".join(("\\&" if line[:1] in ".'" else "") + line.rstrip()
                     for line in text.replace("\\", "\\e").rstrip().split("\n"))


def mdoc_function(item):
    code = " ".join(item.code.replace("RELEVANCE_API", "").rstrip(";").split())
    head, arguments = code.split("(", 1)
    kind = head[:head.rindex(item.name)].strip()
    parts, level, part = [], 0, ""
    for c in arguments.rsplit(")", 1)[0]:
        level += {"(": 1, ")": -1}.get(c, 0)
        if c == "," and level == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    parts.append(part.strip())
    return f".Ft {kind}\n.Fo {item.name}\n" + "".join(f'.Fa "{p}"\n' for p in parts) + ".Fc"


def manual(intro, items, date):
    before, example, after = intro_parts(intro)
    version = ".".join(re.findall(r"#define RELEVANCE_VERSION_\w+ (\d+)", HEADER.read_text("utf-8")))
    out = ['.\\" SPDX-License-Identifier: Apache-2.0',
           f'.\\" Generated from {SOURCE} by tools/gen_api.py.',
           f".Dd {date}", ".Dt LIBRELEVANCE 3", f".Os librelevance {version}",
           ".Sh NAME", ".Nm librelevance", ".Nd does a product fit a shopping query?",
           ".Sh LIBRARY", "librelevance (\\-lrelevance, \\-lm, \\-pthread)",
           ".Sh SYNOPSIS", ".In relevance.h"]
    functions = [i for i in items if i.kind == "function"]
    out += [mdoc_function(i) for i in functions]
    out += [".Sh DESCRIPTION"]
    for n, p in enumerate(before[1:]):
        out += ([".Pp"] if n else []) + [roff(p)]
    for p in after:
        out += [".Pp", roff(re.sub(r"^(\w+)\.  ", r"\1: ", p))]
    out += [".Sh FUNCTIONS"]
    for item in functions:
        out += [f".Ss {item.name}", roff(item.summary[0].upper() + item.summary[1:])]
        inside = False
        for block in item.body:
            if block[0] == "argument":
                if not inside:
                    out.append(".Bl -tag -width Ds")
                inside = True
                out += [f".It Fa {block[1]}", roff(block[2])]
                continue
            if inside:
                out.append(".El")
                inside = False
                if block[0] == "text":
                    out.append(roff(block[1]))
                    continue
            if block[0] == "code":
                out += [".Bd -literal -offset indent", roff_code(block[1]), ".Ed"]
            else:
                out += [".Pp", roff(block[1])]
        if inside:
            out.append(".El")
    out += [".Sh TYPES AND CONSTANTS"]
    for item in (i for i in items if i.kind != "function"):
        out += [f".Ss {item.name}"]
        out += [roff(b[1]) for b in item.body if b[0] == "text"]
        out += [".Bd -literal", roff_code(item.code), ".Ed"]
    out += [".Sh EXAMPLES", ".Bd -literal -offset indent", roff_code(example), ".Ed",
            ".Sh SEE ALSO", ".Xr relevance 1"]
    return "\n".join(out) + "\n"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    intro, items = parse()
    man = ROOT / "docs/man/librelevance.3"
    wanted = {ROOT / "docs/api.md": markdown(intro, items),
              man: manual(intro, items, MANUAL_DATE)}
    stale = False
    for path, text in wanted.items():
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                print(f"gen_api.py: {path.relative_to(ROOT)} is not current: run tools/gen_api.py")
                stale = True
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    if check and not stale:
        print(f"gen_api: docs/api.md and librelevance.3 are current: {len(items)} declarations")
    return 1 if stale else 0


MANUAL_DATE = "November 26, 2026"

if __name__ == "__main__":
    sys.exit(main())
