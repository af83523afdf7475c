#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh - 'make install' into an empty folder, then programs built against it.
#
# usage: test/install.sh [VARIABLE=VALUE...]     (handed to make: BUILD, CC, BLAS ...)
#
#  - DESTDIR and PREFIX: every file lies where it should, and no file but the compiled ones names
#    the folder of the build or DESTDIR.
#  - A C program through pkg-config, shared and static, and C and C++ programs through CMake's
#    find_package(), print the same line.
#  - The installed command finds the installed model and the demo's catalogue.
#  - 'make uninstall' leaves no file.
# Lists are split into words on purpose.
# shellcheck disable=SC2086,SC2046
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dest=$scratch/dest prefix=/opt/relevance libdir=/opt/relevance/lib/here
skipped=
fail() { echo "install.sh: $*" >&2; exit 1; }
run_make() {
    ${MAKE:-make} -s --no-print-directory -C "$root" "$@" DESTDIR="$dest" PREFIX=$prefix \
        LIBDIR=$libdir >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "make $* failed"; }
}

run_make install "$@"
for file in $prefix/bin/relevance $prefix/include/relevance.h $prefix/include/relevance.hpp \
    $libdir/librelevance.a $libdir/librelevance.so $libdir/pkgconfig/relevance.pc \
    $libdir/cmake/relevance/relevance-config.cmake $prefix/share/librelevance/default.rlv \
    $prefix/share/man/man1/relevance.1 $prefix/share/man/man1/relevance-rank.1 \
    $prefix/share/man/man3/librelevance.3 $prefix/share/bash-completion/completions/relevance \
    $prefix/share/zsh/site-functions/_relevance \
    $prefix/share/fish/vendor_completions.d/relevance.fish; do
    [ -s "$dest$file" ] || fail "no $file"
done
[ "$(readlink "$dest$libdir/librelevance.so")" = "$(cd "$dest$libdir" && echo librelevance.so.?)" ] ||
    fail "librelevance.so does not point to the soname"
grep -rIlF -e "$scratch" -e "$root" "$dest" && fail "installed files name a folder of the build"
grep -rIlE '@[A-Z_]+@' "$dest" && fail "unfilled names in installed files"

model=$dest$prefix/share/librelevance/default.rlv
want=$("$dest$prefix/bin/relevance" classify --json "dog leash" "Reflective nylon dog leash" |
    sed 's/^{"label":"\([^"]*\)".*/\1/')
[ -n "$want" ] || fail "the installed command does not answer"
echo kettle | "$dest$prefix/bin/relevance" demo --top 1 | grep -q Kettle ||
    fail "the installed demo does not answer"
say=
check() { # NAME PROGRAM
    line=$("$2" "$model") || fail "$1 does not run"
    case $line in "$want 0."*) ;; *) fail "$1 printed '$line', not '$want 0...'" ;; esac
    [ -z "$say" ] || [ "$say" = "$line" ] || fail "$1 printed '$line', the one before '$say'"
    say=$line
}
export LD_LIBRARY_PATH="$dest$libdir"

if command -v pkg-config >/dev/null; then
    pkg() { # the prefix of pkg-config's paths, for an install below DESTDIR
        PKG_CONFIG_LIBDIR=$dest$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest pkg-config "$@" relevance
    }
    [ "$(pkg --modversion)" = "$("$dest$prefix/bin/relevance" --version | cut -d ' ' -f 2)" ] ||
        fail "pkg-config has another version"
    ${CC:-cc} ${CFLAGS:-} "$root/test/packaging/program.c" $(pkg --cflags --libs) -o "$scratch/shared"
    readelf -d "$scratch/shared" | grep -q 'NEEDED.*librelevance\.so\.' || fail "not linked shared"
    check "pkg-config, shared" "$scratch/shared"
    # The archive by its path: -static would want the C library's too.
    ${CC:-cc} ${CFLAGS:-} "$root/test/packaging/program.c" $(pkg --cflags) \
        "$dest$libdir/librelevance.a" $(pkg --static --libs-only-other) \
        $(pkg --static --libs-only-l | sed 's/-lrelevance//') -o "$scratch/static"
    check "pkg-config, static" "$scratch/static"
else
    skipped="$skipped pkg-config"
fi

if command -v cmake >/dev/null; then
    configure() {
        cmake -S "$root/test/packaging" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$dest$prefix" \
            -DCMAKE_C_COMPILER="${CC:-cc}" -Drelevance_DIR="$dest$libdir/cmake/relevance" "$@" \
            >"$scratch/log" 2>&1
    }
    configure -DWANTED_VERSION=0.1 || { cat "$scratch/log" >&2; fail "cmake failed"; }
    cmake --build "$scratch/cmake" >"$scratch/log" 2>&1 ||
        { cat "$scratch/log" >&2; fail "cmake --build failed"; }
    for program in shared static cpp; do
        check "CMake, $program" "$scratch/cmake/program_$program"
    done
    [ "$(cat "$scratch/cmake/model")" = "$model" ] || fail "relevance_MODEL is wrong"
    rm -rf "$scratch/cmake"
    configure -DWANTED_VERSION=9.9 && fail "CMake takes this version for 9.9"
else
    skipped="$skipped cmake"
fi

run_make uninstall "$@"
left=$(find "$dest" ! -type d)
[ -z "$left" ] || fail "uninstall leaves" $left
echo "install: pkg-config and CMake programs print '$say'; uninstall leaves nothing${skipped:+; SKIP, not installed:$skipped}"
