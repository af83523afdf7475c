#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# amalgamation.sh [--bits | --full] TINY_DIR - the library in one file, from tools/amalgamate.py.
#
#  - Made twice, it is the same file.
#  - Read by gcc and clang as C11 and as C++17 it gives no warning; so does an arm64 compiler.
#  - With --bits: compiled by one compiler with no option but -O2, it gives the hashes of test_bits.
#    With --full: by each of the four, with -O2, and for arm64 under qemu.
#  - -ffast-math is refused.
# Lists are split into words on purpose.
# shellcheck disable=SC2086
set -eu

mode=
case ${1:-} in --bits | --full) mode=$1; shift ;; esac
[ $# -eq 1 ] || { echo "usage: $0 [--bits | --full] TINY_DIR" >&2; exit 2; }
tiny=$1
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "amalgamation.sh: $*" >&2; exit 1; }
has() { command -v "${1%% *}" >/dev/null || { echo "SKIP: amalgamation.sh: no ${1%% *}"; return 1; }; }

python3 "$root/tools/amalgamate.py" "$scratch/a"
PYTHONHASHSEED=7 python3 "$root/tools/amalgamate.py" "$scratch/b"
cmp "$scratch/a/relevance.c" "$scratch/b/relevance.c" || fail "two runs give two files"
file=$scratch/a/relevance.c

# What somebody who copies the two files has: no -I, no -D.
for compiler in "gcc -std=c11" "clang -std=c11" "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17" \
    "aarch64-linux-gnu-gcc -std=c11" "clang --target=aarch64-linux-gnu -std=c11"; do
    has "$compiler" || continue
    case $compiler in *--target*) [ -d /usr/aarch64-linux-gnu ] || continue ;; esac
    $compiler -fsyntax-only -Wall -Wextra -Werror "$file" || fail "$compiler does not take it"
done
${CC:-cc} -ffast-math -fsyntax-only "$file" 2>"$scratch/log" && fail "-ffast-math is not refused"
grep -q 'without -ffast-math' "$scratch/log" || fail "-ffast-math is refused by another word"

bits() { # NAME RUNNER LINKER: the hashes of the object
    name=$1 runner=$2
    $3 -std=c11 -D_POSIX_C_SOURCE=200809L -DRLV_TINY_DIR="\"$tiny\"" -I"$root/include" \
        -I"$root/lib" -I"$root/kernels" -I"$root/test" "$root/test/test_bits.c" \
        "$root/test/support/micro.c" "$root/test/support/tiny.c" \
        "$scratch/relevance.o" -lcmocka -lm -pthread -o "$scratch/bits"
    (cd "$root" && $runner "$scratch/bits") >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$name: other bits"; }
    grep -q 'SKIPPED' "$scratch/log" && { cat "$scratch/log"; fail "$name: a test was skipped"; }
    echo "amalgamation: $name gives the same bits"
}

if [ "$mode" = "" ]; then
    echo "amalgamation: read without a warning as C11 and as C++17"
    exit 0
fi
if [ "$mode" = --bits ]; then
    # gcc's default is GNU C, where it would contract; few rows a tile, to compile fast.
    ${CC:-cc} -O2 -DRLV_SMALL_TILES=1 -c "$file" -o "$scratch/relevance.o"
    bits "${CC:-cc} -O2" "" "${CC:-cc} -O2"
    exit 0
fi
for compiler in "gcc" "clang -std=c11" "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
    has "$compiler" || continue
    $compiler -O2 -c "$file" -o "$scratch/relevance.o"
    bits "$compiler -O2" "" "cc -O2"
done
if has aarch64-linux-gnu-gcc && has qemu-aarch64-static; then
    aarch64-linux-gnu-gcc -O2 -c "$file" -o "$scratch/relevance.o"
    bits "aarch64-linux-gnu-gcc -O2" "qemu-aarch64-static -cpu max" aarch64-linux-gnu-gcc
fi
