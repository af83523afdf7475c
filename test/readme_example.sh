#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# readme_example.sh - compile and run the C program of README.md as it stands there.
#
# usage: CC=gcc LDLIBS='-lm -pthread' test/readme_example.sh STATIC.a MODEL.rlv
#
# The program is the first ```c block of README.md; it must have at most 15 lines, give no warning,
# and print one line: a label and a probability.  Output goes to a temporary folder.
# Lists are split into words on purpose.
# shellcheck disable=SC2086
set -eu

[ $# -eq 2 ] || { echo "usage: $0 STATIC.a MODEL.rlv" >&2; exit 2; }
static=$1 model=$2
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

awk '/^```c$/ && !done {on = 1; next} /^```$/ && on {on = 0; done = 1} on' "$root/README.md" \
    >"$scratch/example.c"
lines=$(wc -l <"$scratch/example.c")
if [ "$lines" -lt 5 ] || [ "$lines" -gt 15 ]; then
    echo "readme_example.sh: the C program of README.md has $lines lines" >&2
    exit 1
fi

# CC may hold options, so it is not quoted; likewise the other two.
${CC:-cc} -std=c11 -Wall -Wextra -Werror ${CFLAGS:-} -I"$root/include" "$scratch/example.c" \
    "$static" ${LDLIBS:--lm -pthread} -o "$scratch/example"

# RUNNER: an emulator, for a cross compiler.
out=$(${RUNNER:-} "$scratch/example" "$model")
printf '%s\n' "$out" | grep -Exq '[A-Za-z]+ [01]\.[0-9]+' || {
    echo "readme_example.sh: unexpected output: $out" >&2
    exit 1
}
# A model that is not there: a message and status 2, as the program promises.
status=0
${RUNNER:-} "$scratch/example" "$scratch/none.rlv" >/dev/null 2>"$scratch/message" || status=$?
if [ "$status" -ne 2 ] || [ ! -s "$scratch/message" ]; then
    echo "readme_example.sh: a missing model gave status $status" >&2
    exit 1
fi
echo "readme_example: $lines lines, printed '$out'"
