# SPDX-License-Identifier: Apache-2.0
"""Every constant, size and offset of _abi.py is what a C compiler makes of include/relevance.h.

Run by 'make check-abi', a part of 'make check'.
"""
import ctypes
import os
import re
import shutil
import subprocess
import sys
import unittest

from relevance import _abi

from .support import ROOT, scratch

HEADER = ROOT / "include" / "relevance.h"
GENERATOR = ROOT / "tools" / "gen_python.py"
REMEDY = "run tools/gen_python.py and commit python/relevance/_abi.py"


def expected():
    """{C expression: what Python believes it to be}."""
    out = {}
    for name in _abi.CONSTANTS:
        out[name] = getattr(_abi, name[len("RELEVANCE_"):])
    for enum, (cls, prefix) in _abi.ENUMS.items():
        out["sizeof(enum %s)" % enum] = ctypes.sizeof(ctypes.c_int)
        for member in cls:
            out[prefix + member.name] = int(member)
    for struct in _abi.STRUCTS:
        c_name = "struct " + struct.__name__
        out["sizeof(%s)" % c_name] = ctypes.sizeof(struct)
        out["_Alignof(%s)" % c_name] = ctypes.alignment(struct)
        for field in struct._fields_:
            descriptor = getattr(struct, field[0])
            out["offsetof(%s, %s)" % (c_name, field[0])] = descriptor.offset
            out["sizeof(((%s *)0)->%s)" % (c_name, field[0])] = descriptor.size
    return out


class Abi(unittest.TestCase):
    @unittest.skipUnless(shutil.which(os.environ.get("CC", "cc").split()[0]), "no C compiler")
    def test_same_as_compiler(self):
        want = expected()
        self.assertGreater(len(want), 150)
        source = scratch() / "abi.c"
        lines = ['    printf("%%lld\\n", (long long)(%s));' % e for e in want]
        source.write_text("#include <relevance.h>\n#include <stddef.h>\n#include <stdio.h>\n"
                          "int main(void)\n{\n%s\n}\n" % "\n".join(lines))
        program = scratch() / "abi"
        subprocess.run(os.environ.get("CC", "cc").split()
                       + ["-std=c11", "-I", str(HEADER.parent), str(source), "-o", str(program)],
                       check=True)
        got = subprocess.run([str(program)], stdout=subprocess.PIPE, check=True,
                             universal_newlines=True).stdout.split()
        self.assertEqual(dict(zip(want, map(int, got))), want, REMEDY)

    def test_nothing_is_missing(self):
        """Found by names alone, not by the generator's own way of reading the header."""
        text = HEADER.read_text()
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        names = set(re.findall(r"\bRELEVANCE_[A-Z0-9_]+\b", code)) - {"RELEVANCE_H", "RELEVANCE_API"}
        self.assertEqual({n for n in expected() if n.startswith("RELEVANCE_")}, names, REMEDY)
        self.assertEqual({s.__name__ for s in _abi.STRUCTS},
                         set(re.findall(r"struct (relevance_\w+)\s*\{", code)), REMEDY)
        self.assertEqual(set(_abi.ENUMS), set(re.findall(r"enum (relevance_\w+)\s*\{", code)), REMEDY)
        functions = set(re.findall(r"\b(relevance_\w+)\(", code)) - set(
            re.findall(r"\(\*(relevance_\w+)\)\(", code))
        self.assertEqual(set(_abi.FUNCTIONS), functions, REMEDY)
        for struct in _abi.STRUCTS:
            body = re.search(r"struct %s\s*\{(.*?)\};" % struct.__name__, code, flags=re.S).group(1)
            self.assertEqual(len(struct._fields_), body.count(";"), struct.__name__)

    def test_generated_file_is_current(self):
        done = subprocess.run([sys.executable, str(GENERATOR), "--check"], stderr=subprocess.PIPE,
                              universal_newlines=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_arguments_match_the_prototypes(self):
        """Each function's ctypes arguments, as C types, against the declaration by the compiler."""
        cc = os.environ.get("CC", "cc").split()
        if not shutil.which(cc[0]):
            self.skipTest("no C compiler")
        # One probe per argument: a value of the ctypes type's size and kind must convert.
        lines = []
        for name, (result, arguments) in _abi.FUNCTIONS.items():
            values = []
            for a in arguments:
                if a in (ctypes.c_void_p, ctypes.c_char_p):
                    values.append("(void *)0")
                else:
                    values.append("(int)0" if a is ctypes.c_int else "(unsigned)0")
            size = "sizeof(%s(%s))" % (name, ", ".join(values))
            if result is not None:
                lines.append("_Static_assert(%s == %d, \"%s\");" % (size, ctypes.sizeof(result), name))
            else:
                lines.append("static void use_%s(void) { %s(%s); }" % (name, name, ", ".join(values)))
        source = scratch() / "prototypes.c"
        source.write_text("#include <relevance.h>\n%s\n" % "\n".join(lines))
        # -Werror: an integer for a pointer, or a pointer for an integer, is an error.
        done = subprocess.run(cc + ["-std=c11", "-Werror", "-Wno-unused-function", "-Wno-unused-value",
                                    "-fsyntax-only", "-I", str(HEADER.parent), str(source)],
                              stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
