#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# coverage.sh - how much of the code under test each fuzzer's corpus reaches ('make fuzz-coverage').
#
# usage: test/fuzz/coverage.sh TARGET...
#
# Reads test/fuzz/corpus/TARGET and build/fuzz/corpus/TARGET; prints lines and branches of the
# sources that the target is for.
set -eu
profdata=${LLVM_PROFDATA:-$(command -v llvm-profdata || command -v llvm-profdata-14)}
cov=${LLVM_COV:-$(command -v llvm-cov || command -v llvm-cov-14)}
build=build/fuzzcov
sources() {
    case $1 in
    model) echo lib/model.c lib/checksum.c lib/format.h lib/tokenizer.c lib/api.c lib/context.c lib/forward.c ;;
    tokenizer) echo lib/tokenizer.c ;;
    safetensors) echo tools/safetensors.c tools/half.h ;;
    hf_json) echo tools/hf_config.c tools/hf_json.c ;;
    vocab) echo tools/hf_vocab.c tools/hf_json.c tools/vocab_writer.c lib/tokenizer.c ;;
    reader) echo tools/reader.c ;;
    catalog) echo lib/catalog.c lib/quantity.c ;;
    *) echo "coverage.sh: no target $1" >&2; exit 2 ;;
    esac
}
printf '%-12s %-20s %15s %15s\n' target file lines branches
for target in "$@"; do
    mkdir -p "build/fuzz/corpus/$target"
    LLVM_PROFILE_FILE=$build/$target.profraw "$build/fuzz_$target" -runs=0 -verbosity=0 \
        "build/fuzz/corpus/$target" "test/fuzz/corpus/$target" 2>/dev/null
    "$profdata" merge -o "$build/$target.profdata" "$build/$target.profraw"
    "$cov" export -summary-only -instr-profile "$build/$target.profdata" "$build/fuzz_$target" |
        python3 -c '
import json, sys
target, *sources = sys.argv[1:]
files = {f["filename"]: f["summary"] for f in json.load(sys.stdin)["data"][0]["files"]}
for source in sources:
    totals = [t for name, t in files.items() if name.endswith(source)]
    if len(totals) != 1:
        sys.exit("coverage.sh: no data for " + source)
    def part(k):
        return "%d/%d %3.0f%%" % (totals[0][k]["covered"], totals[0][k]["count"], totals[0][k]["percent"])
    print("%-12s %-20s %15s %15s" % (target, source, part("lines"), part("branches")))
' "$target" $(sources "$target")
done
