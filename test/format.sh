#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# format.sh - docs/format.md, the converter and a second reader (format_reader.py, in Python, written
# from the document alone) agree: each tiny checkpoint is converted in several ways, read back and
# compared with its source, weight by weight.
#
# usage: test/format.sh build/relevance
#
# Needs Python 3 with numpy (PYTHON names another one); without it the test is skipped.
set -u

[ $# -eq 1 ] || { echo "usage: $0 RELEVANCE" >&2; exit 2; }
exe=$1
here=$(dirname "$0")
# A python3 of the user's own may lack numpy where the system's has it.
python=${PYTHON:-python3}
if [ -z "${PYTHON:-}" ] && ! "$python" -c 'import numpy' 2>/dev/null && [ -x /usr/bin/python3 ]; then
    python=/usr/bin/python3
fi
"$python" -c 'import numpy' 2>/dev/null || { echo "SKIP: format.sh: $python has no numpy"; exit 0; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
models=0 failures=0

# Relative errors of plain rounding with some room; calibration shifts weights further on purpose.
bound() {
    case $1 in
    f32 | f16) echo 0.001 ;; q8) echo 0.02 ;; q7) echo 0.04 ;; q6) echo 0.06 ;;
    q5) echo 0.10 ;; q4) echo 0.20 ;; q3) echo 0.40 ;;
    esac
}

# check FOLDER FACTOR FORMAT options...: the error stays below FACTOR times the format's bound.
check() {
    folder=$1 factor=$2 format=$3
    shift 3
    models=$((models + 1))
    if ! "$exe" convert "$folder" "$scratch/m.rlv" --quiet "$@" 2>"$scratch/err" ||
        ! "$python" "$here/format_reader.py" "$scratch/m.rlv" "$folder" >"$scratch/out" 2>"$scratch/err"; then
        echo "FAIL: $folder $*: $(tail -1 "$scratch/err")"
        failures=$((failures + 1))
        return
    fi
    sed -n 's/^largest relative error of a weight matrix: //p' "$scratch/out" |
        awk -v bound="$(bound "$format")" -v factor="$factor" \
            '{ n++; if ($1 + 0 > bound * factor) exit 1 } END { if (n != 1) exit 1 }' ||
        { echo "FAIL: $folder $*: $(tail -1 "$scratch/out")"; failures=$((failures + 1)); }
}

"$python" "$here/format_reader.py" --examples >/dev/null || failures=$((failures + 1))
for folder in "$here"/golden/tiny/*/; do
    [ -e "$folder/config.json" ] || continue
    check "$folder" 1 f16 --weights f16 --embeddings f32
    check "$folder" 1 q6 --weights q6 --embeddings q6 --calibrate none
    check "$folder" 3 q7 --weights q7 --embeddings q6
done
folder=$here/golden/tiny/distilbert-seq
for format in f32 f16 q8 q5 q4 q3; do
    check "$folder" 1 $format --weights $format --embeddings $format --calibrate none
done
for format in q8 q6 q5 q4 q3; do
    check "$folder" 1 $format --weights $format --embeddings $format --calibrate none \
        --group 32 --embedding-group 32
done
check "$folder" 1 q7 --weights q7 --embeddings q8 --calibrate none
check "$folder" 3 q4 --weights q4 --embeddings q4 --group 32
[ $models -gt 0 ] || { echo "FAIL: no tiny checkpoints"; failures=1; }
echo "format.sh: $models conversions, $failures failures"
[ $failures -eq 0 ]
