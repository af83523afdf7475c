#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hardened.sh - the shared library and the command line are built as HARDENING=yes asks.
#
# usage: test/hardened.sh build/librelevance.so.VERSION build/relevance      (READELF=... )
#
# Looked for: a program at a random address (PIE); relocations that are read-only from the start
# (RELRO, BIND_NOW); no memory that is writable and executable; no relocation of code; stack
# protector; calls of the C library that check their buffers (FORTIFY, where this C library has it).
set -u
readelf=${READELF:-readelf}
[ $# -eq 2 ] || { echo "usage: $0 LIBRARY PROGRAM" >&2; exit 2; }
command -v "$readelf" >/dev/null || { echo "SKIP: hardened.sh: no $readelf"; exit 0; }
LC_ALL=C
export LC_ALL
bad=0
complain() { echo "hardened.sh: $*" >&2; bad=1; }

for file in "$1" "$2"; do
    headers=$("$readelf" -W -h -l "$file") && dynamic=$("$readelf" -W -d "$file") &&
        symbols=$("$readelf" -W --dyn-syms "$file") || { complain "cannot read $file"; continue; }
    has() { # TEXT PATTERN COMPLAINT
        printf '%s\n' "$1" | grep -Eq "$2" || complain "$file: $3"
    }
    lacks() {
        printf '%s\n' "$1" | grep -Eq "$2" && complain "$file: $3"
    }
    has "$headers" '^ *Type: *DYN' 'not position independent'
    has "$headers" '^ *GNU_RELRO ' 'no RELRO'
    has "$headers" '^ *GNU_STACK .* RW ' 'an executable stack'
    lacks "$headers" '^ *LOAD .* RWE ' 'a segment is writable and executable'
    has "$dynamic" '\(FLAGS_1\).*NOW|\(BIND_NOW\)' 'relocations stay writable (no BIND_NOW)'
    lacks "$dynamic" '\(TEXTREL\)' 'relocations in code'
    has "$symbols" ' __stack_chk_fail' 'no stack protector'
    if printf '#include <features.h>\n#ifdef __GLIBC__\nglibc\n#endif\n' | ${CC:-cc} -E - | grep -q '^glibc'
    then
        has "$symbols" ' __(v?snprintf|mem[a-z]*|fprintf|printf|read|vfprintf)_chk' 'no FORTIFY'
    fi
done
printf '%s\n' "$("$readelf" -W -d "$2")" | grep -q '(FLAGS_1).*PIE' || complain "$2: not a PIE"

[ "$bad" -eq 0 ] && echo 'hardened: PIE, RELRO, BIND_NOW, no executable data, stack protector, FORTIFY'
exit "$bad"
