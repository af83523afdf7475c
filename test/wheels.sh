#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# wheels.sh - one wheel, on every Python: the package's tests against what pip installed from it.
#
# usage: test/wheels.sh WHEEL FOLDER PYTHON...      (FOLDER: for the virtual environments, kept)
#
# pip installs WHEEL, and pandas, pyarrow, scikit-learn, matplotlib and tqdm where there are wheels of
# them, into an environment of each PYTHON; the tests run where neither the source tree's modules nor
# its build can be found.  A PYTHON that cannot be run is an error.
set -eu

[ $# -ge 3 ] || { echo "usage: $0 WHEEL FOLDER PYTHON..." >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
wheel=$(cd "$(dirname "$1")" && pwd)/${1##*/}
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "wheels.sh: $*" >&2; exit 1; }
[ -s "$wheel" ] || fail "no $wheel"
unset PYTHONPATH PYTHONHOME RELEVANCE_LIBRARY RELEVANCE_PROGRAM RELEVANCE_MODEL || true

# The tests alone: the package beside them would be taken instead of the installed one.
ln -s "$root/python/tests" "$scratch/tests"
for python in "$@"; do
    version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])') ||
        fail "$python does not run"
    venv=$folder/$version
    [ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
    # Twice, so that a wheel of the same version is replaced, and what it needs is there.
    for how in "--force-reinstall --no-deps" ""; do
        # shellcheck disable=SC2086
        "$venv/bin/pip" install -q $how "$wheel" >"$folder/$version.log" 2>&1 ||
            fail "pip failed on $version: $folder/$version.log"
    done
    for package in pandas pyarrow scikit-learn matplotlib tqdm; do
        "$venv/bin/pip" install -q --only-binary :all: "$package" >>"$folder/$version.log" 2>&1 ||
            echo "wheels.sh: $version goes without $package"
    done
    "$venv/bin/pip" check >>"$folder/$version.log" 2>&1 || fail "pip check failed on $version"
    (cd "$scratch" && "$venv/bin/python" -B -c 'import relevance, sys
if not relevance.__file__.startswith(sys.prefix): sys.exit("wheels.sh: " + relevance.__file__)')
    (cd "$scratch" && "$venv/bin/python" -B -m unittest discover -v -s tests -t . &&
        "$venv/bin/python" -B -m unittest tests.check_abi) >"$folder/$version.log" 2>&1 ||
        { tail -n 40 "$folder/$version.log" >&2; fail "tests failed on $version"; }
    echo "wheel on Python $version, NumPy $("$venv/bin/python" -c 'import numpy; print(numpy.__version__)'): $(grep -E '^(Ran|OK)' "$folder/$version.log" | tr '\n' ' ')"
done
