#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hpp.sh STATIC.a MODEL.rlv BOTH.rlv - relevance.hpp under every C++ compiler that is there, as C++17 and
# C++20, with and without exceptions, without warnings; and the example at its top.
#
# LDLIBS as in readme_example.sh.  Lists are split into words on purpose.
# shellcheck disable=SC2086
set -eu

[ $# -eq 3 ] || { echo "usage: $0 STATIC.a MODEL.rlv BOTH.rlv" >&2; exit 2; }
static=$1 model=$2 both=$3
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
flags="-Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror -I$root/include"
tried=
for cxx in ${CXX:-g++ clang++}; do
    command -v "$cxx" >/dev/null || { echo "SKIP: hpp.sh: no $cxx"; continue; }
    tried="$tried $cxx"
    for mode in "17 -fno-exceptions" "20 -DRELEVANCE_EXCEPTIONS=1"; do
        $cxx -std=c++$mode $flags "$root/test/test_hpp.cpp" "$static" \
            ${LDLIBS:--lm -pthread} -o "$scratch/test"
        "$scratch/test" "$model" "$both"
    done
    for mode in "17 -DRELEVANCE_EXCEPTIONS=1" "20 -fno-exceptions"; do
        $cxx -std=c++$mode -fsyntax-only $flags "$root/test/test_hpp.cpp"
    done
done
[ -n "$tried" ] || exit 0

sed -n '/^\/\/     #include/,/^\/\/     }$/s|^// \{0,5\}||p' "$root/include/relevance.hpp" >"$scratch/example.cpp"
set -- $tried
"$1" -std=c++17 $flags "$scratch/example.cpp" "$static" ${LDLIBS:--lm -pthread} -o "$scratch/example"
# It opens data/default.rlv of the folder that it runs in.
mkdir "$scratch/data"
cp "$model" "$scratch/data/default.rlv"
out=$(cd "$scratch" && ./example)
printf '%s\n' "$out" | grep -Exq '[A-Za-z_0-9]+ [01]\.[0-9]+' ||
    { echo "hpp.sh: the example of relevance.hpp printed: $out" >&2; exit 1; }
