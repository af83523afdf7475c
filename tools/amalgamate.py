#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""amalgamate.py - the whole library as one C file, for people who copy sources into their project.

usage: tools/amalgamate.py OUT_DIR        writes OUT_DIR/relevance.c and OUT_DIR/relevance.h

relevance.c compiles by itself, as C11 and as C++17, with gcc and clang, with no option but, where
wanted, -O2 or -O3, and gives the bits of the ordinary build.  How:

 - Headers that all files share come once, in front; the files of lib/ and kernels/ follow.
 - A kernel's other includes are expanded in place, since a v16_*.h or *.inc means something else for
   each instruction set.  Every name with internal linkage that two files use gets the file's name
   behind it, and every macro is undefined where its file ends.
 - The flags of a kernel file (-mavx2 ...) become a target pragma (gcc) or an attribute (clang)
   around it, so one compiler run holds all instruction sets; which one runs is decided at run time.
 - What -std=c11 and -ffp-contract=off do in the ordinary build, a pragma does here.

The output depends on the sources alone.
"""
import argparse
import collections
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Included once, in this order, before everything else.
SHARED = ["lib/format.h", "lib/tokenizer.h", "kernels/kernels.h", "lib/internal.h",
          "kernels/list.h", "kernels/gemm_common.h", "kernels/x86_intrinsics.h"]
PUBLIC = "include/relevance.h"

# Target of each instruction set: for gcc's pragma, for clang's attribute.  'scalar' has none.
TARGETS = {
    "avx2": ("avx2,fma,f16c",) * 2,
    "avx512": ("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c",) * 2,
    "avx512vnni": ("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c",) * 2,
    "amx": ("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8,fma,f16c",) * 2,
    "neon": None,
    "neondot": ("arch=armv8.2-a+dotprod", "dotprod"),
    "neoni8mm": ("arch=armv8.2-a+dotprod+i8mm", "dotprod,i8mm"),
    "scalar": None,
}

# System headers that only some machines have; the rest are included unconditionally.
CONDITIONAL = {
    "cpuid.h": "RLV_X86",
    "immintrin.h": "RLV_X86",
    "arm_neon.h": "RLV_ARM",
    "sys/auxv.h": "RLV_ARM && defined(__linux__)",
    "cblas.h": "defined(RLV_OPENBLAS)",
}
IN_C_ONLY = {"stdatomic.h"}  # C++ has it from C++23 on
DROPPED = {"simde/x86/avx512.h", "simde/x86/avx2.h", "simde/x86/fma.h"}  # a test build's

PROLOGUE = r"""/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relevance.c - librelevance @VERSION@ in one file, made by tools/amalgamate.py; do not edit.
 *
 *     cc -O3 -c relevance.c            (or c++ -std=c++17 -O3 -x c++ -c relevance.c)
 *     cc app.c relevance.o -lm -pthread
 *
 * The interface stands in relevance.h, beside it.  All instruction sets of the machine are inside,
 * and the best one of the CPU at hand runs; no option is needed, and none may allow the compiler to
 * reorder float operations.
 */
#if defined(__FAST_MATH__)
#error "librelevance gives the same bits everywhere: compile relevance.c without -ffast-math"
#endif
#if !defined(__GNUC__)
#error "relevance.c needs gcc or clang"
#endif

/* No multiplication and addition may become one operation but where the source says fma. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#if defined(__cplusplus)
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc++20-designator"
#pragma clang diagnostic ignored "-Wmissing-field-initializers"
#pragma clang diagnostic ignored "-Wmissing-braces"
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wattributes" /* hidden types in the two opaque ones */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized" /* gcc 12: its own intrinsics, as C++ */
#endif
#endif

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#endif
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "relevance.h"
"""

CPLUSPLUS = r"""
#if defined(__cplusplus)
/* C11 in the words of C++17. */
#define restrict __restrict
#define _Atomic
#define _Alignas alignas
#define _Static_assert static_assert
#define memory_order int
#define memory_order_relaxed __ATOMIC_RELAXED
#define memory_order_acquire __ATOMIC_ACQUIRE
#define memory_order_acq_rel __ATOMIC_ACQ_REL
#define memory_order_seq_cst __ATOMIC_SEQ_CST
#define atomic_load_explicit(p, order) __atomic_load_n(p, order)
#define atomic_store_explicit(p, x, order) __atomic_store_n(p, x, order)
#define atomic_fetch_add_explicit(p, x, order) __atomic_fetch_add(p, x, order)
#define atomic_load(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define atomic_store(p, x) __atomic_store_n(p, x, __ATOMIC_SEQ_CST)
#define atomic_fetch_add(p, x) __atomic_fetch_add(p, x, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, x) __atomic_fetch_sub(p, x, __ATOMIC_SEQ_CST)
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* A header for all kernels of an instruction set holds more than each of them uses. */
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#endif
"""

EPILOGUE = r"""
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#pragma GCC visibility pop
#if defined(__cplusplus)
}
#if defined(__clang__)
#pragma clang diagnostic pop
#else
#pragma GCC diagnostic pop
#endif
#endif
"""

# clang before 16 declares these intrinsics only where the command line asks for them.
COMPILERS = r"""
#if RLV_ARM && defined(__clang__) && __clang_major__ < 16
#if !defined(__ARM_FEATURE_DOTPROD)
#define RLV_HAS_NEONDOT 0
#endif
#if !defined(__ARM_FEATURE_MATMUL_INT8)
#define RLV_HAS_NEONI8MM 0
#endif
#endif
#ifndef RLV_HAS_NEONDOT
#define RLV_HAS_NEONDOT 1
#endif
#ifndef RLV_HAS_NEONI8MM
#define RLV_HAS_NEONI8MM 1
#endif
/* Compilers that do not know AMX. */
#if RLV_X86 && (defined(__clang__) ? __clang_major__ < 12 : __GNUC__ < 11)
#define RLV_HAS_AMX 0
#endif
#ifndef RLV_HAS_AMX
#define RLV_HAS_AMX 1
#endif
"""

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<directive>(?:(?<=\n)|\A)[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<other>.)
""", re.S | re.X)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)[^\n]*\n', re.M)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)", re.M)


def fail(message):
    sys.exit(f"amalgamate.py: {message}")


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def find(name, includer):
    """The path, from the root, of a file that 'includer' includes by 'name'."""
    for folder in (pathlib.PurePath(includer).parent, "include"):
        path = os.path.normpath(ROOT / folder / name)
        if os.path.isfile(path):
            return os.path.relpath(path, ROOT).replace(os.sep, "/")
    return fail(f"{includer} includes {name}, which is not there")


def expand(path, system, done=None):
    """The text of a file with its own includes in place; those of SHARED and of the system left out."""
    done = set() if done is None else done

    def one(match):
        if match[2]:
            system.add(match[2])
            return ""
        inner = find(match[1], path)
        if inner == PUBLIC or inner in SHARED:
            return ""
        # Headers with a guard are expanded once in a unit; the lists without one, every time.
        if inner.endswith(".h"):
            if inner in done:
                return ""
            done.add(inner)
        return f"/* {inner} */\n" + expand(inner, system, done)

    text = read(path)
    return INCLUDE.sub(one, text.replace("/* SPDX-License-Identifier: Apache-2.0 */\n", "", 1))


def file_scope_names(text):
    """Names with internal linkage that 'text' gives to functions, objects, types and constants."""
    names = set()
    depth = 0
    parens = 0
    statement = []  # tokens at depth 0 since the last ; or }
    body = []       # tokens inside braces of the current statement, for enumerators

    def end():
        words = [t for t in statement if re.match(r"[A-Za-z_]", t)]
        if not words:
            return
        if words[0] in ("static", "GEMM_INLINE"):
            # The last name before the first ( [ = or the end.
            name = None
            level = 0
            for i, token in enumerate(statement):
                if level > 0 or token == "__attribute__":
                    level += {"(": 1, ")": -1}.get(token, 0)
                    level = max(level, 0) if token != "__attribute__" else 0
                    continue
                if i > 0 and statement[i - 1] == "__attribute__":
                    level = 1
                    continue
                if token in "([=;":
                    break
                if re.match(r"[A-Za-z_]", token):
                    name = token
            if name is not None and not re.match(r"(?:RLV_FN|GEMM_NAME)$", name):
                names.add(name)
        if words[0] == "typedef":
            names.add(words[-1])
        for keyword in ("struct", "union", "enum"):
            if keyword in statement and "{" in statement:
                at = statement.index(keyword)
                if statement[at + 1] not in "{;":
                    if statement.index("{") == at + 2:
                        names.add(statement[at + 1])
                if keyword == "enum" and statement.index("{") in (at + 1, at + 2):
                    expect = True
                    level = 0
                    for token in body:
                        if token in "([":
                            level += 1
                        elif token in ")]":
                            level -= 1
                        if expect and re.match(r"[A-Za-z_]", token):
                            names.add(token)
                            expect = False
                        if token == "," and level == 0:
                            expect = True

    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        token = match[0]
        if kind in ("comment", "directive", "string") or token.isspace():
            continue
        if token == "{" and parens == 0:
            depth += 1
            if depth == 1:
                statement.append("{")
                continue
        elif token == "}" and parens == 0:
            depth -= 1
            if depth == 0:
                # A function's body ends a statement; a type's goes on to its ;
                if "(" in statement and statement[0] != "typedef" and "=" not in statement:
                    end()
                    statement, body = [], []
                continue
        if depth > 0:
            body.append(token)
            continue
        if token == "(":
            parens += 1
        elif token == ")":
            parens -= 1
        if token == ";" and parens == 0:
            end()
            statement, body = [], []
            continue
        statement.append(token)
    return names


def rename(text, names, suffix):
    """'text' with every token of 'names' renamed, but for members of structures."""
    out = []
    before = ""

    def names_in(part):
        return re.sub(r"(?<![\w.>\"])[A-Za-z_]\w*", lambda m: m[0] + suffix if m[0] in names else m[0],
                      part)

    # Inside a structure, a name before ; , [ or : is a member, which its users name after . or ->.
    level, structures, recent = 0, [], []
    tokens = list(TOKEN.finditer(text))

    def is_member(n):
        if not structures or structures[-1] != level:
            return False
        for following in tokens[n + 1:]:
            if following.lastgroup != "comment" and not following[0].isspace():
                return following[0] in (";", ",", "[", ":")
        return False

    for n, match in enumerate(tokens):
        kind, token = match.lastgroup, match[0]
        if token == "{":
            level += 1
            if {"struct", "union"} & set(recent[-2:]):
                structures.append(level)
        elif token == "}":
            if structures and structures[-1] == level:
                structures.pop()
            level -= 1
        if kind in ("name", "other") and not token.isspace():
            recent = recent[-1:] + [token]
        if kind == "directive" and not INCLUDE.match(token + "\n"):
            out.append(names_in(token))
        elif kind == "name" and token in names and before not in (".", "->") and not is_member(n):
            out.append(token + suffix)
        else:
            out.append(token)
        if kind != "comment" and not token.isspace():
            before = "->" if before == "-" and token == ">" else token
    return "".join(out)


def own_macros(text):
    return list(dict.fromkeys(DEFINE.findall(text)))


def isa_of(path):
    return pathlib.PurePath(path).stem.rsplit("_", 1)[-1]


def units():
    """The source files, in a fixed order: the library, the dispatcher, the kernels by ISA."""
    kernels = sorted(f"kernels/{p.name}" for p in (ROOT / "kernels").glob("*.c"))
    if "kernels/dispatch.c" not in kernels:
        fail("no kernels/dispatch.c")
    kernels.remove("kernels/dispatch.c")
    for k in kernels:
        if isa_of(k) not in TARGETS:
            fail(f"{k}: unknown instruction set")
    kernels.sort(key=lambda k: (list(TARGETS).index(isa_of(k)), k))
    return sorted(f"lib/{p.name}" for p in (ROOT / "lib").glob("*.c")) + \
        ["kernels/dispatch.c"] + kernels


def banner(path):
    return f"\n/* {'-' * 8} {path} {'-' * max(4, 78 - len(path))} */\n\n"


def wrapped(path, text):
    """A kernel's text inside its conditions and its target."""
    isa = isa_of(path)
    if path == "kernels/dispatch.c" or not path.startswith("kernels/") or isa == "scalar":
        return text
    condition = "RLV_X86" if isa.startswith(("avx", "amx")) else "RLV_ARM"
    if isa in ("neondot", "neoni8mm", "amx"):
        condition += f" && RLV_HAS_{isa.upper()}"
    target = TARGETS[isa]
    if target is None:
        return f"#if {condition}\n{text}#endif\n"
    return (f"#if {condition}\n"
            "#if defined(__clang__)\n"
            f"#pragma clang attribute push(__attribute__((target(\"{target[1]}\"))), "
            "apply_to = function)\n"
            "#else\n"
            "#pragma GCC push_options\n"
            f"#pragma GCC target(\"{target[0]}\")\n"
            "#endif\n"
            f"{text}"
            "#if defined(__clang__)\n"
            "#pragma clang attribute pop\n"
            "#else\n"
            "#pragma GCC pop_options\n"
            "#endif\n"
            "#endif\n")


def version():
    return ".".join(re.findall(r"#define RELEVANCE_VERSION_\w+ (\d+)", read(PUBLIC)))


def amalgamate():
    system = set()
    shared = []
    for path in SHARED:
        shared.append((path, expand(path, system)))
    texts = {path: expand(path, system) for path in units()}

    count = collections.Counter()
    shared_macros = set()
    names = {}
    for path, text in texts.items():
        names[path] = file_scope_names(text)
        count.update(names[path])
    for path, text in shared:
        count.update(file_scope_names(text))
        shared_macros.update(own_macros(text))

    kept = set(own_macros(PROLOGUE + COMPILERS))
    out = [PROLOGUE.replace("@VERSION@", version())]
    # list.h's machine macros are needed for the conditional headers, so they come with it first.
    out.append("\n#include <stddef.h>\n#include <stdint.h>\n")
    machine = re.search(r"#if defined\(__x86_64__\)\n#define RLV_X86.*?#define RLV_ARM 0\n#endif\n",
                        read("kernels/list.h"), re.S)
    if machine is None:
        fail("kernels/list.h no longer defines RLV_X86 and RLV_ARM as it did")
    out.append(machine[0])
    for header in sorted(system - DROPPED):
        line = f"#include <{header}>\n"
        if header in CONDITIONAL:
            line = f"#if {CONDITIONAL[header]}\n{line}#endif\n"
        elif header in IN_C_ONLY:
            line = f"#if !defined(__cplusplus)\n{line}#endif\n"
        out.append(line)
    out.append(CPLUSPLUS)
    out.append(COMPILERS)
    for path, text in shared:
        if path == "kernels/list.h":
            text = text.replace(machine[0], "")
        out.append(banner(path) + text)
    for path, text in texts.items():
        collisions = {n for n in names[path] if count[n] > 1} | (shared_macros & set(own_macros(text)))
        text = rename(text, collisions, "_" + pathlib.PurePath(path).stem)
        text = text.rstrip("\n") + "\n"
        macros = [m for m in own_macros(text) if m not in kept]
        if macros:
            text += "\n" + "".join(f"#undef {m}\n" for m in sorted(macros))
        out.append(banner(path) + wrapped(path, text))
    out.append(EPILOGUE)
    return re.sub(r"\n{4,}", "\n\n\n", "".join(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path, help="where relevance.c and relevance.h go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("relevance.c", amalgamate()), ("relevance.h", read(PUBLIC))):
        temporary = folder / (name + ".tmp")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(folder / name)


if __name__ == "__main__":
    main()
