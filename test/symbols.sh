#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# symbols.sh SHARED STATIC [NM] - what the library exports and what it asks of the C library.
#
#  - The shared library exports the functions of include/relevance.h, all of them and no others.
#  - Each has the version RELEVANCE_X.Y of its "Since X.Y", and the soname is librelevance.so.N.
#  - The static library defines no global name without the prefix relevance_ or rlv_.
#  - Neither asks for a libc function outside the list below: no printing, no exit or abort, no
#    environment, no locale, no rounding mode, nothing that allocates behind the caller's back
#    (qsort does).  Only alloc.o calls the allocator.
#  - No constructors or destructors.
# Lists are split into words on purpose.
# shellcheck disable=SC2086
set -euf

[ $# -ge 2 ] || { echo "usage: $0 SHARED.so STATIC.a [NM]" >&2; exit 2; }
shared=$1 static=$2 nm=${3:-nm}
header=$(dirname "$0")/../include/relevance.h
LC_ALL=C
export LC_ALL
bad=0
complain() { echo "symbols.sh: $*" >&2; bad=1; }

# One extended regular expression an item.  bcmp: what clang makes of memcmp() == 0.
allowed='open open64 read close fstat fstat64 mmap mmap64 munmap posix_memalign free
memchr memcmp bcmp memcpy memmove memset strlen strcmp strerror strerror_r snprintf vsnprintf
__memcpy_chk __memset_chk __memmove_chk __snprintf_chk __vsnprintf_chk __errno_location
pthread_(create|join|attr_.*|mutex_.*|cond_.*|sigmask) sigfillset
fmaf? fmaxf? fminf? rintf? sqrtf? expf? logf? erff? tanhf?
getauxval sysconf __getauxval __cpu_model __cpu_indicator_init __cpu_features2
cblas_sgemm openblas_get_parallel
__stack_chk_fail __stack_chk_guard __tls_get_addr _GLOBAL_OFFSET_TABLE_ _DYNAMIC'
pattern=$(printf '%s\n' $allowed | paste -sd '|' -)

declared=$(sed -n '/^ \*/d; s/.*\(relevance_[a-z0-9_]*\)(.*/\1/p' "$header" |
    grep -v '^relevance_parallel_for$' | sort -u)
# A declaration may break before its name, so count the RELEVANCE_API marks as a cross-check.
marks=$(grep -c '^RELEVANCE_API ' "$header")
[ "$(printf '%s\n' "$declared" | wc -l)" -eq "$marks" ] ||
    complain "cannot read $header: $marks RELEVANCE_API, but these functions: $declared"

exported=$("$nm" -D --defined-only "$shared" | awk '$2 != "A" {print $NF}' | sed 's/@.*//' | sort -u)
[ "$exported" = "$declared" ] || {
    complain "exported and declared names differ (< exported, > declared):"
    scratch=$(mktemp)
    printf '%s\n' "$exported" >"$scratch"
    printf '%s\n' "$declared" | diff "$scratch" - >&2 || :
    rm -f "$scratch"
}

# Names and versions by another way than the script that the linker read.
versions=$(awk '/^\/\*/ { s = "none" } /^(\/| )\*/ && match($0, /Since [0-9.]*[0-9]/) {
        s = substr($0, RSTART + 6, RLENGTH - 6) } /^RELEVANCE_API / { d = 1 }
    d && match($0, /relevance_[a-z0-9_]*\(/) {
        print substr($0, RSTART, RLENGTH - 1) "@@RELEVANCE_" s; d = 0 }' "$header" | sort)
has=$("$nm" -D --defined-only "$shared" | awk '$2 != "A" {print $NF}' | sort)
[ "$has" = "$versions" ] || {
    complain "wrong versions; exported:" $has
    complain "expected:" $versions
}
if readelf=$(command -v "${nm%nm}readelf"); then
    soname=$("$readelf" -d "$shared" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')
    printf '%s\n' "$soname" | grep -Eqx 'librelevance\.so\.[0-9]+' || complain "soname '$soname'"
fi

foreign=$("$nm" -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 {print $3}' |
    grep -Ev '^(relevance|rlv)_' || :)
[ -z "$foreign" ] || complain "global names without a prefix:" $foreign

# Weak undefined names (w) belong to the compiler's start files.
asked=$("$nm" -D --undefined-only "$shared" | awk '$1 == "U" {print $2}' | sed 's/@.*//' |
    grep -Evx "$pattern" || :)
[ -z "$asked" ] || complain "asks for what no library should (see the list in $0):" $asked

allocating=$("$nm" -A -u "$static" 2>/dev/null |
    awk '$NF ~ /^(malloc|calloc|realloc|free|posix_memalign|aligned_alloc)$/ {print $1}' |
    grep -Ev '[:/]alloc\.o:' | sort -u || :)
[ -z "$allocating" ] || complain "only alloc.o may call the allocator, not:" $allocating

if objdump=$(command -v "${nm%nm}objdump"); then
    "$objdump" -h "$static" | grep -Eq '\.(init_array|fini_array|ctors|dtors)' &&
        complain "$static has constructors or destructors"
fi

[ "$bad" -eq 0 ] && echo "symbols: $marks functions exported, with versions, nothing else; imports as listed"
exit "$bad"
