#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# intent_cli.sh - 'relevance extract', 'eval --task intent' and 'quantize' from end to end, and the C
# program of docs/intent.md.
#
# usage: CC=gcc LDLIBS='-lm -pthread' test/intent_cli.sh build/relevance MODEL.rlv STATIC.a
#
# MODEL is test/golden/tiny/intent-rule in f32, whose labels follow from a list of words
# (tools/gen_golden.py).  Prints a line for each failure, and a total; exit status 1 where one failed.
set -u

[ $# -eq 3 ] || { echo "usage: $0 RELEVANCE MODEL.rlv STATIC.a" >&2; exit 2; }
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
exe=$(absolute "$1")
model=$(absolute "$2")
static=$(absolute "$3")
root=$(cd "$(dirname "$0")/.." && pwd)
tiny=$(absolute "$(dirname "$0")/golden/tiny")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export RELEVANCE_INTENT_MODEL="$model"
checks=0 failures=0

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*"
    sed 's/^/    out: /' out | head -5
    sed 's/^/    err: /' err | head -5
}
run() { # STATUS ARGUMENTS...
    want=$1
    shift
    what="relevance $*" status=0
    "$exe" "$@" >out 2>err || status=$?
    checks=$((checks + 1))
    [ "$status" -eq "$want" ] || fail "$what: exit status $status, expected $want"
}
out_has() {
    checks=$((checks + 1))
    grep -qF -e "$1" out || fail "$what: no '$1' on standard output"
}
err_has() {
    checks=$((checks + 1))
    grep -qF -e "$1" err || fail "$what: no '$1' on standard error"
}
lines() {
    checks=$((checks + 1))
    [ "$(wc -l <out)" -eq "$1" ] || fail "$what: $(wc -l <out) lines, expected $1"
}

printf 'Lip Balm\tbalzam za usne|b\303\241lsamo labial\nSoap\tsapun\n' >shop.tsv

# ---- extract ----
run 0 extract --catalog shop.tsv --json 'Makni 12 balzama za usne, hvala!'
lines 1
out_has '{"action":"remove","product":"Lip Balm","quantity":12,"action_confidence":'
out_has '"product_span":[9,24],"quantity_span":[6,8],"quantity_kind":"stated","products":1'
out_has '"match":"balzam za usne","match_distance":1'
run 0 extract 'Makni 12 balzama za usne, hvala!' 'two soap and 3 socks' '' 'hello'
lines 4
out_has '{"action":"remove","product":"balzama za usne","quantity":12,'
out_has '{"action":"add","product":"soap","quantity":2,'
out_has '"products":2'
out_has '{"action":"add","product":null,"quantity":1,'
printf 'add 3 soap\nremove \377 soap\n\nadd -2 soap' >texts
run 1 extract -c shop.tsv - <texts
lines 4
out_has '{"action":"add","product":"Soap","quantity":3,'
out_has '{"action":"remove","product":"Soap","quantity":1,'
out_has '{"error":"an empty line","line":3}'
out_has '"quantity_kind":"out_of_range"'
run 0 extract - </dev/null
lines 0
i=0
while [ $i -lt 14 ]; do printf 'remove soap '; i=$((i + 1)); done >once
i=0
while [ $i -lt 6000 ]; do cat once; i=$((i + 60)); done >big
cat big big big big big big big big big big big big big big big big big big big big >megabyte
run 0 extract - <megabyte
lines 1
out_has '{"action":"remove","product":"soap","quantity":1,'
err_has 'tokens of a text were cut'
run 2 extract
err_has "a text, or '-' for standard input, expected"
run 2 extract --catalog missing.tsv soap
err_has "cannot open 'missing.tsv'"
printf 'Soap\nBalm\t|x\n' >bad.tsv
run 2 extract --catalog bad.tsv soap
err_has 'bad.tsv: catalogue, line 2: an alias is empty'
run 2 extract --model shop.tsv soap
err_has 'not a model file'
run 0 extract --help
out_has 'Examples:'

# ---- folders with both heads ----
edited() { # FOLDER SED-SCRIPT: a copy with another config.json
    rm -rf folder
    cp -r "$tiny/$1" folder
    sed "$2" "$tiny/$1/config.json" >folder/config.json
}
edited bert-both 's/"classifier_head": "linear"/"classifier_head": "mlp"/'
run 2 convert folder out.rlv
err_has "classifier_head is 'mlp', supported: linear (one layer on [CLS])"
edited bert-both 's/"4": "I-QUANTITY"/"5": "I-QUANTITY"/'
run 2 convert folder out.rlv
err_has 'token_id2label has 5 labels, but none for "4"'
edited bert-both '/"3": "B-QUANTITY"/d; /"4": "I-QUANTITY"/d; s/"I-PRODUCT",/"I-PRODUCT"/'
run 2 convert folder out.rlv
err_has "tensor 'token_classifier.weight': shape [5, 32], expected [3, 32]"
edited bert-both 's/BertForSequenceAndTokenClassification/BertForTokenClassification/'
run 2 convert folder out.rlv
err_has "'token_classifier.bias' and 1 more do not belong to a BertForTokenClassification"
edited bert-token 's/BertForTokenClassification/BertForSequenceAndTokenClassification/'
run 2 convert folder out.rlv
err_has "missing tensor 'token_classifier.weight'"

# ---- eval ----
cat >rows.jsonl <<'END'
{"text":"remove 2 lip balm","action":"remove","product":"Lip Balm","quantity":2,"language":"en","noise":[]}
{"text":"Makni 12 balzama za usne","action":"remove","product":"Lip Balm","quantity":12,"language":"hr","noise":["typo","case"]}
{"text":"add 2 soap","action":"remove","product":"Soap","quantity":2,"language":"en","noise":["typo"]}
{"text":"add 2 soap","action":"add","product":"Lip Balm","quantity":3,"language":"en","noise":["typo"]}
{"text":"please","action":"add","product":null,"quantity":1}
END
run 0 eval --task intent --catalog shop.tsv --json --wrong 9 rows.jsonl
lines 1
out_has '{"n":5,"exact":0.600000,"action":0.800000,"product":0.800000,"quantity":0.800000,'
out_has '"en":{"n":3,"exact":0.333333,'
out_has '"typo":{"n":3,"exact":0.333333,"action":0.666667,"product":0.666667,"quantity":0.666667}'
out_has '"none":{"n":1,"exact":1.000000,'
out_has '"latency_ms":{"mean":'
err_has "'add 2 soap': add, Soap, 2 instead of add, Lip Balm, 3"
run 0 eval --task=intent --catalog shop.tsv rows.jsonl
out_has 'language hr'
run 0 eval --task intent rows.jsonl --json # without a catalogue the words must be the product's
out_has '"product":0.600000'
printf '{"text":"soap"}\n{"text":"soap","action":"add","product":"soap","quantity":1}\n' >partly.jsonl
run 1 eval --task intent partly.jsonl --json
out_has '{"n":1,"exact":1.000000'
err_has 'partly.jsonl:1: no "action"'
run 2 eval --task intent missing.jsonl
run 2 eval --task shopping rows.jsonl
err_has "'shopping' is neither 'relevance' nor 'intent'"
run 2 eval --task
err_has 'its value is missing'
run 0 eval --task intent --help
out_has '"byte_spans"'

# ---- quantize ----
run 0 quantize "$model" q8.rlv --weights q8 --embeddings q8 --quiet
run 0 extract --model q8.rlv --catalog shop.tsv 'remove two lip balm'
out_has '{"action":"remove","product":"Lip Balm","quantity":2,'
# from the folder, and from the f32 file made of it: the same bytes
for m in bert-both intent-rule; do
    run 0 convert "$tiny/$m" f32.rlv --weights f32 --quiet
    run 0 convert "$tiny/$m" direct.rlv --weights q5 --embeddings q4 --quiet
    run 0 quantize f32.rlv indirect.rlv --weights q5 --embeddings q4 --quiet
    checks=$((checks + 1))
    cmp -s direct.rlv indirect.rlv || fail "$m: quantize and convert give different files"
done
run 0 quantize "$model" again.rlv --weights f32 --quiet
run 0 info --json --model again.rlv
out_has '"weights":"f32"'
out_has '"name":"intent-rule"'
printf 'remove soap\nadd 3 lip balm\n' >texts
run 0 quantize "$model" calibrated.rlv --weights q6 --calibrate texts --tensor '*.ffn2=q8' --quiet
printf '{"text":"remove soap"}\n' >texts.jsonl
run 0 quantize "$model" calibrated.rlv --weights q6 --calibrate texts.jsonl --quiet
printf '{"other":"remove soap"}\n' >texts.jsonl
run 2 quantize "$model" calibrated.rlv --weights q6 --calibrate texts.jsonl --quiet
err_has "line 1: neither 'query' and 'title' nor 'text'"
run 2 quantize q8.rlv twice.rlv
err_has 'embeddings.word is quantised already (q8)'
[ ! -e twice.rlv ] || fail 'twice.rlv was written'
run 2 quantize missing.rlv out.rlv
run 2 quantize shop.tsv out.rlv
err_has 'quantize: '
run 0 quantize --help
out_has 'relevance quantize exact.rlv small.rlv'

# ---- the program of docs/intent.md ----
awk '/^```c$/ && !done {on = 1; next} /^```$/ && on {on = 0; done = 1} on' "$root/docs/intent.md" >example.c
# CC and the others may hold options.
# shellcheck disable=SC2086
if ${CC:-cc} -std=c11 -Wall -Wextra -Werror ${CFLAGS:-} -I"$root/include" example.c "$static" \
    ${LDLIBS:--lm -pthread} -o example 2>err; then
    ./example "$model" shop.tsv >out 2>err
    what='the program of docs/intent.md'
    out_has 'remove 12 Lip Balm'
    ./example "$model" missing.tsv >out 2>err
    err_has "cannot open 'missing.tsv'"
else
    fail 'the program of docs/intent.md does not compile'
fi

echo "intent_cli.sh: $checks checks, $failures failures"
[ $failures -eq 0 ]
