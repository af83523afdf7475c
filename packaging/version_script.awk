# SPDX-License-Identifier: Apache-2.0
#
# version_script.awk - the linker's version script, from the comments of include/relevance.h.
#
# A function whose comment says "Since X.Y." gets the version RELEVANCE_X.Y.  Versions are nodes in
# ascending order, each building on the one before, as ld wants it.
function later(a, b,    x, y)
{
    split(a, x, ".")
    split(b, y, ".")
    return x[1] + 0 != y[1] + 0 ? x[1] + 0 > y[1] + 0 : x[2] + 0 > y[2] + 0
}
/^\/\*/ { since = "" }
/^\/\*|^ \*/ && match($0, /Since [0-9]+\.[0-9]+/) { since = substr($0, RSTART + 6, RLENGTH - 6) }
/^RELEVANCE_API / { declaration = 1 }
declaration && match($0, /relevance_[a-z0-9_]+\(/) {
    if (since == "") {
        print FILENAME ":" FNR ": no \"Since X.Y\" in the comment above" > "/dev/stderr"
        failed = 1
        exit 1
    }
    if (!(since in names)) {
        for (i = n++; i > 0 && later(order[i - 1], since); i--)
            order[i] = order[i - 1]
        order[i] = since
    }
    names[since] = names[since] "        " substr($0, RSTART, RLENGTH - 1) ";\n"
    declaration = 0
}
END {
    if (failed)
        exit 1
    for (i = 0; i < n; i++)
        printf "RELEVANCE_%s {\n    global:\n%s%s}%s;\n", order[i], names[order[i]], \
            i == 0 ? "    local:\n        *;\n" : "", i == 0 ? "" : " RELEVANCE_" order[i - 1]
}
