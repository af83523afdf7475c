#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# reproducible.sh - two builds give the same bytes, wherever and whenever they are made.
#
# usage: test/reproducible.sh        (from the root of the tree; KERNEL_OPT=-O1 by default: faster)
#
# Two copies of the tree, in folders of other names and depths, are built with another locale, time
# zone, umask and number of jobs; the libraries and the command line are compared.  Where the tree is
# a git checkout, the release tarball of 'make dist' is made twice and compared as well.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
same() { # NAME FILE FILE
    if cmp -s "$2" "$3"; then
        echo "reproducible: $1: $(wc -c <"$2") bytes, twice the same"
    else
        echo "reproducible.sh: $1: two builds differ" >&2
        bad=1
    fi
}

first=$scratch/a second=$scratch/another/folder
for copy in "$first" "$second"; do
    mkdir -p "$copy"
    cp -R Makefile include lib kernels packaging tools test docs "$copy"
done
find "$second" -exec touch -d '2001-02-03 04:05:06 UTC' {} +
build() { make -s "$@" KERNEL_OPT="${KERNEL_OPT:--O1}" all >/dev/null; }
(cd "$first" && umask 022 && LC_ALL=C TZ=UTC build -j1)
(cd "$second" && umask 077 && LC_ALL=C.UTF-8 TZ=Asia/Tokyo build -j3)
for file in $(cd "$first/build" && ls librelevance.a librelevance.so.*.*.* relevance); do
    same "$file" "$first/build/$file" "$second/build/$file"
done

if git rev-parse --git-dir >/dev/null 2>&1 && make -n dist >/dev/null 2>&1; then
    rm -f librelevance-*.tar.* build/librelevance-*.tar.*
    for i in 1 2; do
        (umask 0${i}2 && make -s dist >/dev/null)
        mkdir "$scratch/dist$i"
        for file in librelevance-*.tar.* build/librelevance-*.tar.*; do
            [ -e "$file" ] && mv "$file" "$scratch/dist$i"
        done
        sleep 1 # another second: a time stamp would show
    done
    [ -n "$(ls "$scratch/dist1")" ] || { echo "reproducible.sh: 'make dist' made no tarball" >&2; bad=1; }
    for file in $(ls "$scratch/dist1"); do
        same "$file" "$scratch/dist1/$file" "$scratch/dist2/$file"
    done
else
    echo "SKIP: reproducible.sh: no 'make dist' here"
fi
exit "$bad"
