#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# data_sums.sh - the files in data/ are those whose checksums data/README.md lists.
# 'data_sums.sh --print' prints the lines for the README.
set -eu
cd "$(dirname "$0")/../data"

if [ "${1:-}" = --print ]; then
    for f in *.tsv *.rlv; do
        [ ! -e "$f" ] || sha256sum "$f" | sed 's/^/    /'
    done
    exit 0
fi
listed=$(sed -n 's/^    \([0-9a-f]\{64\}  .*\)$/\1/p' README.md)
for f in *.tsv *.rlv; do
    [ ! -e "$f" ] || printf '%s\n' "$listed" | grep -q "  $f\$" ||
        { echo "data_sums.sh: data/README.md does not list $f" >&2; exit 1; }
done
printf '%s\n' "$listed" | sha256sum --check --quiet
echo "data_sums: $(printf '%s\n' "$listed" | wc -l) files as listed"
