#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# ldd.sh SHARED - size and needs of the shared library: under 1 MB (1,000,000 bytes), and nothing
# but libc, libm, the threads library and the dynamic linker.  For a build with BLAS=none.
# Lists are split into words on purpose.
# shellcheck disable=SC2086
set -eu

[ $# -eq 1 ] || { echo "usage: $0 SHARED.so" >&2; exit 2; }
LC_ALL=C
export LC_ALL
bad=0

len=$(wc -c <"$1")
[ "$len" -lt 1000000 ] || { echo "ldd.sh: $1 has $len bytes, 1000000 or more" >&2; bad=1; }

needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
for library in $needed; do
    case $library in
    libc.so* | libc.musl-* | libm.so* | libpthread.so* | ld-linux* | ld-musl*) ;;
    *) echo "ldd.sh: $1 needs $library" >&2; bad=1 ;;
    esac
done
readelf -lW "$1" | grep -q 'GNU_STACK .* RWE' && { echo "ldd.sh: executable stack" >&2; bad=1; }
readelf -d "$1" | grep -q TEXTREL && { echo "ldd.sh: text relocations" >&2; bad=1; }

[ "$bad" -eq 0 ] && echo "ldd: $len bytes, needs" $needed
exit "$bad"
