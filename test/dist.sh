#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dist.sh - 'make dist' twice, the second time from another clone, under another umask, time zone and
# locale: the same bytes; and what is in them builds.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "dist.sh: $*" >&2; exit 1; }
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || { echo "SKIP: dist.sh: not a git tree"; exit 0; }

make -s --no-print-directory -C "$root" dist BUILD="$scratch/one" >/dev/null
git clone -q "$root" "$scratch/clone"
(umask 077 && cd "$scratch/clone" && TZ=Asia/Tokyo LC_ALL=C make -s dist BUILD="$scratch/two" >/dev/null)
name=$(cd "$scratch/one" && echo librelevance-*.tar.gz)
cmp "$scratch/one/$name" "$scratch/two/$name" || fail "two builds of $name differ"
tar -xzf "$scratch/one/$name" -C "$scratch"
tree=$scratch/${name%.tar.gz}
for file in dist/relevance.c dist/relevance.h Makefile LICENSE data/default.rlv; do
    [ -s "$tree/$file" ] || fail "no $file in $name"
done
# It must build where there is no git.
make -s --no-print-directory -C "$tree" TARGET_TOOLS=no build/lib/api.o >/dev/null
${CC:-cc} -fsyntax-only "$tree/dist/relevance.c"
echo "dist: $name, $(sha256sum <"$scratch/one/$name" | cut -c 1-16)..., the same twice"
