#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# board.sh CROSS NATIVE MODEL - the static command of 'make CROSS=aarch64-linux-gnu' under qemu.
#
#  - It needs no shared library.
#  - It labels, ranks and reads models with the same bytes of output as the native command, by every
#    instruction set, on a CPU with all of them and on a Cortex-A53, which has NEON alone.
#  - It picks the best instruction set of the CPU.
#  - A big-endian target is refused by the compiler, and a big-endian file by the program, each with
#    a reason.
set -eu

[ $# -eq 3 ] || { echo "usage: $0 CROSS NATIVE MODEL" >&2; exit 2; }
cross=$1 native=$2 model=$3
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "board.sh: $*" >&2; exit 1; }

readelf -d "$cross" 2>/dev/null | grep -q NEEDED && fail "$cross needs shared libraries"
readelf -h "$cross" | grep -q 'Machine:.*AArch64' || fail "$cross is not for aarch64"
head -25 "$root/data/samples.tsv" >"$scratch/pairs.tsv"
cut -f 2 "$scratch/pairs.tsv" | tail -n +2 >"$scratch/products.txt"

answers() { # PROGRAM... : everything it says, as one file
    "$@" classify --json --model "$model" "$scratch/pairs.tsv"
    "$@" rank --json --model "$model" "running shoes" "$scratch/products.txt"
    "$@" tokenize --json --model "$model" "running shoes" "Trail running shoe é"
}
answers "$native" >"$scratch/want"
[ "$(wc -l <"$scratch/want")" -eq 49 ] || fail "the native command answers with other than 49 lines"
for cpu in max cortex-a53; do
    answers qemu-aarch64-static -cpu $cpu "$cross" >"$scratch/got"
    cmp "$scratch/want" "$scratch/got" || fail "other answers on $cpu"
done
for isa in scalar neon neondot neoni8mm; do
    qemu-aarch64-static -cpu max "$cross" classify --isa $isa --json --model "$model" \
        "$scratch/pairs.tsv" >"$scratch/got"
    head -24 "$scratch/want" | cmp - "$scratch/got" || fail "other answers by $isa"
done
picks() { qemu-aarch64-static -cpu "$1" "$cross" info --json "$model" | sed 's/.*"isas":\[\([^]]*\)\].*/\1/'; }
picks max | grep -q neoni8mm || fail "neoni8mm is not found on a CPU that has it"
picks cortex-a53 | grep -q neondot && fail "neondot is found on a CPU that lacks it"

# Big-endian: the compiler (a real one for such machines, where it is there), and the file.
aarch64-linux-gnu-gcc -mbig-endian -std=c11 -x c -fsyntax-only "$root/lib/format.h" \
    2>"$scratch/log" && fail "a big-endian target compiles"
grep -q 'librelevance needs a little-endian machine' "$scratch/log" || fail "no reason for big-endian"
# Bytes 12 to 15 of the header hold 0x01020304 in the file's order.
cp "$model" "$scratch/big.rlv"
printf '\001\002\003\004' | dd of="$scratch/big.rlv" bs=1 seek=12 conv=notrunc 2>/dev/null
"$native" info "$scratch/big.rlv" 2>"$scratch/log" >/dev/null && fail "a big-endian file is read"
grep -q 'little-endian' "$scratch/log" || fail "no reason for a big-endian file: $(cat "$scratch/log")"
echo "board: aarch64 answers as this machine does, by every instruction set; big-endian is refused"
