#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write python/relevance/_abi.py, the ctypes form of include/relevance.h.

    tools/gen_python.py            write the file
    tools/gen_python.py --check    exit 1 where the file is not what would be written

Run it after each change of the header.  It reads the header's own plain style (one declarator a
field, enumerators with integer values) and refuses what it does not know.  python/tests/check_abi.py
compares the result with what a C compiler says: each constant, size and offset.
"""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = os.path.join(ROOT, "include", "relevance.h")
OUTPUT = os.path.join(ROOT, "python", "relevance", "_abi.py")

SCALARS = {"size_t": "c_size_t", "uint8_t": "c_uint8", "uint32_t": "c_uint32",
           "int32_t": "c_int32", "uint64_t": "c_uint64", "int64_t": "c_int64", "int": "c_int",
           "unsigned": "c_uint", "float": "c_float", "double": "c_double", "char": "c_char"}

TOP = '''# SPDX-License-Identifier: Apache-2.0
"""Constants, structures and signatures of include/relevance.h.

Written by tools/gen_python.py: do not edit.
"""
from __future__ import annotations

from ctypes import CDLL, Structure
from ctypes import @TYPES@
from enum import IntEnum
'''


def fail(message):
    sys.exit("gen_python.py: include/relevance.h: " + message)


def strip(text):
    """The declarations alone: no comments, no preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
    return re.sub(r'extern "C" \{', " ", text)


def number(text):
    text = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text.strip())
    if not re.fullmatch(r"[0-9a-fA-FxX()<|+\- ]+", text):
        fail("'%s' is no number that I can read" % text)
    return int(eval(text, {"__builtins__": {}}))  # digits and operators alone, see above


class Header:
    def __init__(self, text):
        bare = strip(text)
        self.defines = [(name, number(value)) for name, value in re.findall(
            r"^#define (RELEVANCE_\w+)[ \t]+\(?(\d[\w]*)\)?[ \t]*(?:/\*.*)?$", text, flags=re.M)]
        self.constants = dict(self.defines)
        self.enums = [self.enum(*m) for m in re.findall(r"enum (\w+)\s*\{(.*?)\}\s*;", bare,
                                                        flags=re.S)]
        self.enum_names = {name for name, _ in self.enums}
        structs = re.findall(r"struct (\w+)\s*\{(.*?)\}\s*;", bare, flags=re.S)
        self.struct_names = {name for name, _ in structs}
        self.callbacks = set(re.findall(r"typedef\s+[^;{}]*?\(\s*\*\s*(\w+)\s*\)\s*\(", bare))
        self.structs = [(name, self.fields(name, body)) for name, body in structs]
        self.functions = [self.function(*m) for m in re.findall(
            r"RELEVANCE_API\s+([^;(]*?)(\w+)\s*\(([^;]*)\)\s*;", bare, flags=re.S)]
        marks = len(re.findall(r"^RELEVANCE_API\b", bare, flags=re.M))
        if marks != len(self.functions):
            fail("%d RELEVANCE_API, but %d functions understood" % (marks, len(self.functions)))

    @staticmethod
    def enum(name, body):
        members, value = [], -1
        for item in filter(None, (part.strip() for part in body.split(","))):
            member, _, given = item.partition("=")
            value = number(given) if given else value + 1
            members.append((member.strip(), value))
        return name, members

    def scalar(self, words, where):
        name = words.replace("const ", "").strip()
        if name.startswith("enum ") and name[5:] in self.enum_names:
            return "c_int"
        if name.startswith("struct ") and name[7:] in self.struct_names:
            return name[7:]
        if name in self.callbacks:
            return "c_void_p"
        if name not in SCALARS:
            fail("%s: unknown type '%s'" % (where, name))
        return SCALARS[name]

    def type_of(self, declaration, where):
        """'const char *name' -> (ctypes name, 'name')."""
        m = re.fullmatch(r"(.*?)\(\s*\*\s*(\w+)\s*\)\s*\(.*\)", declaration, flags=re.S)
        if m:  # a function pointer
            return "c_void_p", m.group(2)
        m = re.fullmatch(r"(.*?[\s*])(\w+)\s*(?:\[(\w+)\])?", declaration, flags=re.S)
        if not m:
            fail("%s: cannot read '%s'" % (where, declaration))
        words, name, count = re.sub(r"\s+", " ", m.group(1)).strip(), m.group(2), m.group(3)
        stars = words.count("*")
        base = words.replace("*", "").strip()
        if stars == 1 and base == "const char":
            kind = "c_char_p"
        elif stars:
            kind = "c_void_p"
        else:
            kind = self.scalar(base, where)
        if count:
            kind += " * %d" % (self.constants[count] if count in self.constants else number(count))
        return kind, name

    def fields(self, struct, body):
        fields = [self.type_of(re.sub(r"\s+", " ", item).strip(), "struct " + struct)
                  for item in body.split(";") if item.strip()]
        names = {name for _, name in fields}
        # Text with a length beside it does not end in NUL, which c_char_p would look for.
        return [("c_void_p" if kind == "c_char_p" and {"len", name + "_len"} & names else kind, name)
                for kind, name in fields]

    def function(self, result, name, arguments):
        result = re.sub(r"\s+", " ", result).strip()
        kind = "None" if result == "void" else self.type_of(result + " result", name)[0]
        depth, parts = 0, [""]
        for c in arguments:
            depth += (c == "(") - (c == ")")
            if c == "," and depth == 0:
                parts.append("")
            else:
                parts[-1] += c
        parts = [re.sub(r"\s+", " ", p).strip() for p in parts]
        if parts == ["void"]:
            parts = []
        return name, kind, [self.type_of(p, name)[0] for p in parts]


def prefix_of(names):
    """What all names begin with, up to and including an underscore."""
    common = os.path.commonprefix(names)
    return common[:common.rfind("_") + 1]


def render(header):
    out = [TOP]
    for name, value in header.defines:
        out.append("%s = %d" % (name[len("RELEVANCE_"):], value))
    enums = []
    for name, members in header.enums:
        prefix = prefix_of([m for m, _ in members])
        cls = "".join(w.capitalize() for w in name[len("relevance_"):].split("_"))
        out.append("\n\nclass %s(IntEnum):" % cls)
        out += ["    %s = %d" % (m[len(prefix):], v) for m, v in members]
        enums.append('    "%s": (%s, "%s"),' % (name, cls, prefix))
    for name, fields in header.structs:
        out.append("\n\nclass %s(Structure):" % name)
        lines = ['("%s", %s)' % (field, kind) for kind, field in fields]
        out.append("    _fields_ = [" + (",\n" + " " * 16).join(lines) + "]")
    out.append("\n\n# For the test that compares all of this with the header.\nENUMS = {")
    out += enums + ["}", "STRUCTS = ("]
    out += ["    %s," % name for name, _ in header.structs] + [")"]
    out.append("CONSTANTS = (")
    out += ['    "%s",' % name for name, _ in header.defines] + [")"]
    out.append("\n# name: (result, arguments).  Pointers are c_void_p, so that an address, byref() "
               "or an array\n# may be given; text is c_char_p.\nFUNCTIONS = {")
    for name, kind, arguments in header.functions:
        line = '    "%s": (%s, [%s]),' % (name, kind, ", ".join(arguments))
        if len(line) > 100:
            line = line.replace(": (", ": (\n        ", 1)
        out.append(line)
    out.append('''}


def declare(library: CDLL) -> None:
    """Give each function of the library its types.  AttributeError where one is missing."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
''')
    text = "\n".join(out)
    types = sorted(t for t in set(re.findall(r"\bc_\w+", text)))
    return text.replace("@TYPES@", ", ".join(types))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    with open(HEADER, encoding="utf-8") as f:
        wanted = render(Header(f.read()))
    if arguments.check:
        with open(OUTPUT, encoding="utf-8") as f:
            if f.read() != wanted:
                sys.exit("gen_python.py: python/relevance/_abi.py is out of date: run "
                         "tools/gen_python.py and commit the result")
        return
    temporary = OUTPUT + ".tmp"
    with open(temporary, "w", encoding="utf-8") as f:
        f.write(wanted)
    os.replace(temporary, OUTPUT)


if __name__ == "__main__":
    main()
