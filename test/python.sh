#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# python.sh - the tests of the Python package (python/tests) against a build of the library.
#
# usage: test/python.sh BUILD [TEST...]      (TEST: as for unittest, tests.test_abi ...)
#
# Needs Python 3.9 or later with numpy (PYTHON names another one); without it, the tests are skipped.
# Tests that need more (pandas, scikit-learn, torch ...) skip themselves.
set -eu

[ $# -ge 1 ] || { echo "usage: $0 BUILD [TEST...]" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
shift
python=${PYTHON:-python3}
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/${python##*/} ;; esac
# A python3 of the user's own may lack numpy where the system's has it.
if [ -z "${PYTHON:-}" ] && ! "$python" -c 'import numpy' 2>/dev/null && [ -x /usr/bin/python3 ]; then
    python=/usr/bin/python3
fi
"$python" -c 'import numpy' 2>/dev/null || { echo "SKIP: python.sh: $python has no numpy"; exit 0; }

RELEVANCE_LIBRARY=$build/librelevance.so RELEVANCE_PROGRAM=$build/relevance
export RELEVANCE_LIBRARY RELEVANCE_PROGRAM
cd "$root/python"
if [ $# -gt 0 ]; then exec "$python" -B -m unittest "$@"; fi
exec "$python" -B -m unittest discover -s tests -t .
