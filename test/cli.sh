#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# cli.sh - the command line from end to end: output, messages and exit statuses.
#
# usage: test/cli.sh build/relevance MODEL.rlv
#
# MODEL needs a sequence head; any size will do.  Prints one line for each failure and each check that
# was skipped, and a total; exit status 1 where a check failed.
set -u

[ $# -eq 2 ] || { echo "usage: $0 RELEVANCE MODEL.rlv" >&2; exit 2; }
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
exe=$(absolute "$1")
model=$(absolute "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export RELEVANCE_MODEL="$model"
checks=0 failures=0 skipped=0 what=

fail() {
    failures=$((failures + 1))
    echo "FAIL: $what: $*"
    sed 's/^/    out: /' out | head -5
    sed 's/^/    err: /' err | head -5
}
skip() {
    skipped=$((skipped + 1))
    echo "SKIP: $*"
}

# run STATUS ARGUMENTS...: run the program on standard input, keep 'out' and 'err'.
run() {
    want=$1
    shift
    what="relevance $*"
    status=0
    "$exe" "$@" >out 2>err || status=$?
    is_status "$want"
}
is_status() {
    checks=$((checks + 1))
    [ "$status" -eq "$1" ] || fail "exit status $status, expected $1"
}
# The rest take what the last run left.
out_has() {
    checks=$((checks + 1))
    grep -qF -e "$1" out || fail "no '$1' on standard output"
}
err_has() {
    checks=$((checks + 1))
    grep -qF -e "$1" err || fail "no '$1' on standard error"
}
err_empty() {
    checks=$((checks + 1))
    [ ! -s err ] || fail "standard error is not empty"
}
same() { # A B: two files or two words
    checks=$((checks + 1))
    if [ -e "$1" ] && [ -e "$2" ]; then
        cmp -s "$1" "$2" || fail "'$1' and '$2' differ"
    else
        [ "$1" = "$2" ] || fail "'$1' instead of '$2'"
    fi
}
lines() { wc -l <"$1" | tr -d ' '; }
number() { sed -n "s/.*\"$1\":\\([0-9.-]*\\).*/\\1/p" "$2" | head -1; }

# ---- help and usage ----
run 2 </dev/null
err_has 'usage: relevance COMMAND'
run 0 --help
out_has 'relevance classify "running shoes"'
run 0 help
run 0 --version
out_has 'relevance 0.'
for command in classify rank eval tokenize info bench calibrate; do
    run 0 help $command
    out_has 'Examples:'
    cp out help
    run 0 $command --help
    same out help
done
run 0 help convert
out_has 'HF_DIR'
run 2 clasify a b
err_has "did you mean 'classify'?"
run 2 --classify
run 2 classify --treads 2 a b
err_has "did you mean '--threads'?"
run 2 classify --threads
err_has 'needs a value'
run 2 classify --threads 0 a b
run 2 classify --threads two a b
err_has 'whole number from 1 to 64'
run 2 classify --json=yes a b
run 2 classify --isa mmx a b
err_has 'avx512vnni'
run 2 classify
run 2 classify a b c
run 2 classify '-5 cooler' b
run 0 classify --json -- '-5 cooler' b
run 2 eval
run 2 rank shoes
run 2 convert

# ---- the model ----
run 0 info --json
cp out info.json
max=$(number max_tokens info.json)
label=$(sed 's/.*"labels":\["\([^"]*\)".*/\1/' info.json)
label_n=$(sed 's/.*"labels":\[\([^]]*\)\].*/\1/' info.json | tr ',' '\n' | wc -l)
run 0 info "$model"
out_has "$max tokens"
run 2 classify --max-length 100000 a b
err_has 'at most'
run 2 classify --model absent.rlv a b
err_has 'absent.rlv'
printf 'query\ttitle\na\tb\n' >not.rlv
run 2 classify --model not.rlv a b
err_has 'not.rlv'
head -c 20000 "$model" >cut.rlv
run 2 classify --model cut.rlv a b
err_has 'cut.rlv'
cp "$model" altered.rlv
size=$(wc -c <altered.rlv)
# The byte before it flipped, so that the change is one whatever the file holds.
old=$(od -An -tu1 -j $((size / 2)) -N 1 altered.rlv | tr -d ' ')
printf "$(printf '\\%03o' $((255 - old)))" |
    dd of=altered.rlv bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
run 2 classify --model altered.rlv a b
err_has 'altered.rlv'
rm altered.rlv
run 2 info --model /
# Where it is found without a flag.
mkdir -p tree/bin tree/share/librelevance tree/data
cp "$exe" tree/bin/relevance
found() {
    what="default model: $1"
    status=0
    (unset RELEVANCE_MODEL && tree/bin/relevance info --json) >out 2>err || status=$?
    is_status "$2"
}
found none 2
err_has 'share/librelevance/default.rlv'
ln -s "$model" tree/share/librelevance/default.rlv
found share 0
out_has share/librelevance
ln -s "$model" tree/data/default.rlv
found data 0
out_has bin/../data/default.rlv

# ---- one pair ----
run 0 classify 'running shoes' "Trailblazer men's running shoe, size 10"
err_empty
same "$(lines out)" $((label_n + 1))
run 0 classify --json 'running shoes' "Trailblazer men's running shoe, size 10"
out_has "\"$label\":0."
cp out pair.json
run 0 classify --json '' ''
run 0 classify --json 'shoes' ''
run 0 classify --json '' 'shoes'
run 0 classify --json "$(printf '\377\376 shoe')" 'shoe'
for isa in scalar $(sed 's/.*"isas":\[\([^]]*\)\].*/\1/' info.json | tr -d '"' | tr ',' ' '); do
    run 0 classify --json --isa "$isa" 'running shoes' "Trailblazer men's running shoe, size 10"
    same out pair.json
done

# ---- files ----
printf 'id\tquery\ttitle\n' >rows.tsv
awk 'BEGIN { for (i = 1; i <= 150; i++) printf "%d\tshoe %d\tred shoe number %d\n", i, i % 7, i * i }' \
    >>rows.tsv
run 0 classify --json rows.tsv
err_empty
cp out rows.json
same "$(lines out)" 150
sed 's/.*"id":"\([0-9]*\)".*/\1/' out >ids
tail -n +2 rows.tsv | cut -f 1 >want
same ids want # in the order of the input
run 0 classify --json --threads 2 rows.tsv
same out rows.json
run 0 classify --json - <rows.tsv
same out rows.json
sed 's/$/\r/' rows.tsv >crlf.tsv
run 0 classify --json crlf.tsv
same out rows.json
tr '\t' ',' <rows.tsv >rows.csv
run 0 classify --json rows.csv
same out rows.json
tail -n +2 rows.tsv | awk -F '\t' '{ printf "{\"id\":\"%s\",\"query\":\"%s\",\"title\":\"%s\"}\n", $1, $2, $3 }' \
    >rows.jsonl
run 0 classify rows.jsonl
same out rows.json
run 0 classify --format jsonl - <rows.jsonl
same out rows.json
run 0 classify --output jsonl rows.tsv
same out rows.json
run 2 classify --output tsv rows.jsonl
run 0 classify rows.tsv
same "$(lines out)" 151
cut -f 1-3 out >columns
same columns rows.tsv # the input's columns pass through
head -1 out >header
same "$(cut -f 4 header)" label
same "$(awk -F '\t' '{ print NF }' out | sort -u)" $((3 + 1 + label_n + 3))
run 0 classify rows.csv
cut -d , -f 1-3 out >columns
same columns rows.csv
# A file's row and a pair from arguments are the same thing.
printf 'query\tproduct\nrunning shoes\tTrailblazer men'\''s running shoe, size 10\n' >one.tsv
run 0 classify --json one.tsv
sed 's/,"query".*/}/' out >one.json
same one.json pair.json
# Names that the output uses itself.
printf 'query\ttitle\tlabel\ttokens\nshoe\tred shoe\tE\t7\n' >clash.tsv
run 0 classify --json clash.tsv
out_has '"input_label":"E","input_tokens":"7"}'
run 0 classify clash.tsv
out_has "query	title	input_label	input_tokens	label	p_$label"
# Fields that TSV could not hold.
printf 'query,title\n"a, ""b""","c\nd"\n' >quoted.csv
run 0 classify quoted.csv
out_has '"a, ""b""","c'
run 0 classify --output tsv quoted.csv
out_has 'a, "b"	c d	'

# ---- bad rows ----
printf 'query\ttitle\nshoe\tred shoe\nonly one\n\na\tb\tc\nshoe\tblue shoe' >bad.tsv
run 1 classify --json bad.tsv
err_has 'bad.tsv:3: 1 column, expected 2'
err_has 'bad.tsv:4: an empty line'
err_has 'bad.tsv:5: 3 columns, expected 2'
err_has '3 of 5 rows failed'
same "$(lines out)" 5
same "$(sed -n 2p out)" '{"error":"1 column, expected 2","line":3,"query":"only one"}'
run 1 classify bad.tsv
same "$(lines out)" 6
out_has 'only one'
printf '{"query":"a","title":"b"}\n{"query":"a"\n{"query":"a"}\n[]\n' >bad.jsonl
run 1 classify bad.jsonl
err_has 'bad.jsonl:2: invalid JSON'
err_has "bad.jsonl:3: no field 'title' or 'product'"
same "$(lines out)" 4
run 1 tokenize --json bad.tsv
same "$(lines out)" 5
run 2 classify absent.tsv
err_has 'No such file'
run 2 classify /
err_has 'directory'
: >empty.tsv
run 2 classify empty.tsv
err_has 'is empty'
printf 'query\tname\na\tb\n' >column.tsv
run 2 classify column.tsv
err_has "no column 'title' or 'product'; the header has: 'query', 'name'"
awk 'BEGIN { print "query\ttitle"; for (i = 0; i < 60; i++) printf "x"; print "\ta"; print "b\tc" }' >long.tsv
run 1 classify --max-line 40 --json long.tsv
err_has 'long.tsv:2: a line longer than 40 bytes'
same "$(lines out)" 2

# ---- texts that nobody means to send ----
awk 'BEGIN { printf "query\ttitle\nshoe\t"; for (i = 0; i < 125000; i++) printf "shoe%03d ", i % 1000; print "" }' >big.tsv
run 0 classify --json big.tsv
same "$(number tokens out)" "$max"
checks=$((checks + 1))
[ "$(number truncated out)" -gt 1000 ] || fail 'the cut is not reported'
printf 'query\ttitle\nsh\377oe\t\303(\355\240\200 \000 \033[31m\n' >bytes.tsv
run 0 classify --json bytes.tsv
if command -v python3 >/dev/null; then
    what='valid JSON'
    checks=$((checks + 1))
    for file in out rows.json pair.json info.json; do
        python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' $file 2>err || fail "$file"
    done
    same "$(python3 -c 'import json
print(json.load(open("out", encoding="utf-8"))["query"].encode("unicode_escape").decode())')" 'sh\ufffdoe'
else
    skip 'no python3: JSON is not parsed'
fi
run 0 rank shoe bytes.tsv
checks=$((checks + 1))
grep -q "$(printf '\033')" out && fail 'an escape sequence reaches the terminal'

# ---- output that fails ----
if [ -c /dev/full ]; then
    what='disk full'
    for command in classify tokenize; do
        status=0
        "$exe" $command --json rows.tsv >/dev/full 2>err || status=$?
        is_status 2
        err_has 'No space left'
    done
else
    skip 'no /dev/full'
fi
what='broken pipe'
awk 'BEGIN { print "query\ttitle"; for (i = 0; i < 20000; i++) print "shoe\tred shoe number " i }' >many.tsv
"$exe" tokenize --json many.tsv 2>err | head -1 >out
same "$(lines out)" 1
err_empty
# Where the parent ignores the signal, the program sees an error instead: still not a word.
(trap '' PIPE && "$exe" tokenize --json many.tsv 2>err | head -1 >out)
err_empty

# ---- a pipe that waits for the answer ----
what='a pipe that pauses'
mkfifo to from
# An answer that never comes must not hang the test.
limit=$(command -v timeout >/dev/null && echo 'timeout 20')
$limit "$exe" classify --json - <to >from 2>err &
child=$!
exec 3>to 4<from
printf 'query\ttitle\nshoe\tred shoe\n' >&3
: >out
read -r line <&4 && echo "$line" >out
out_has 'red shoe'
printf 'shoe\tblue shoe' >&3
exec 3>&-
read -r line <&4 && echo "$line" >out
out_has 'blue shoe'
status=0
wait $child || status=$?
is_status 0
exec 4<&-

# ---- rank ----
cut -f 3 rows.tsv | tail -n +2 | head -40 >products.txt
run 0 rank 'red shoe' products.txt --json
same "$(lines out)" 40
cp out ranked.json
sed 's/.*"score":\([0-9.]*\).*/\1/' out >scores
sort -rn scores >want
same scores want
run 0 rank 'red shoe' products.txt --json --top 3
head -3 ranked.json >want
same out want
run 0 rank 'red shoe' products.txt --top 5
same "$(lines out)" 6
run 0 rank 'red shoe' --json - <products.txt
same out ranked.json
(echo title && cat products.txt) >products.tsv
run 0 rank 'red shoe' products.tsv --json
same "$(lines out)" 40
run 0 rank 'red shoe' products.tsv --output jsonl
cp out want
run 0 rank 'red shoe' products.tsv --json
same out want
run 0 rank 'red shoe' products.tsv --output tsv --top 3
same "$(lines out)" 4
same "$(head -1 out)" "rank	score	label	tokens	truncated	line	title"
head -3 ranked.json | sed 's/.*"rank":\([0-9]*\),"score":\([0-9.]*\),"label":"\([^"]*\)".*/\1	\2	\3/' >want
tail -n +2 out | cut -f 1-3 >got
same got want
printf 'id,title,label\n1,"red, shoe",x\n' >quoted.csv
run 0 rank 'red shoe' quoted.csv --output csv
same "$(head -1 out)" 'rank,score,label,tokens,truncated,line,id,title,input_label'
out_has ',2,1,"red, shoe",x'
run 0 rank 'red shoe' products.txt --output csv --top 1
same "$(head -1 out)" 'rank,score,label,tokens,truncated,line,product'
run 2 rank 'red shoe' rows.jsonl --output tsv
run 2 rank 'red shoe' products.txt --json --output tsv
printf 'same\nsame\nsame\n' >ties.txt
run 0 rank shoe ties.txt --json
same "$(sed 's/.*"line":\([0-9]*\).*/\1/' out | tr '\n' ' ')" '1 2 3 '
printf 'a shoe\n\nanother\n' >gap.txt
run 1 rank shoe gap.txt
err_has 'gap.txt:2: an empty line'
run 0 rank shoe --format lines empty.tsv
run 0 rank shoe --json --format lines empty.tsv
same "$(lines out)" 0

# ---- eval ----
# Labels as the model itself gives them: accuracy 1; then some of them wrong.
printf 'query\ttitle\tlabel\n' >labelled.tsv
sed 's/^{"label":"\([^"]*\)".*"query":"\([^"]*\)","title":"\([^"]*\)".*/\2\t\3\t\1/' rows.json |
    head -60 >>labelled.tsv
run 0 eval --json labelled.tsv
same "$(number n out)" 60
same "$(number accuracy out)" 1.000000
same "$(number macro_f1 out)" 1.000000
for key in per_class confusion latency_ms mean p50 p95 p99 pairs_per_s; do
    out_has "\"$key\":"
done
awk -F '\t' 'NR > 1 { $3 = NR % 2 ? tolower($3) : substr($3, 1, 1) } { print $1 "\t" $2 "\t" $3 }' \
    labelled.tsv >short.tsv
run 0 eval --json short.tsv
same "$(number accuracy out)" 1.000000
# Labels in turn, whatever the model says: the figures again, by awk.
sed 's/.*"labels":\[\([^]]*\)\].*/\1/; s/"//g' info.json | tr ',' '\n' >names
awk -F '\t' 'FNR == NR { name[n++] = $0; next } FNR > 1 { $3 = name[FNR % n] } { print $1 "\t" $2 "\t" $3 }' \
    names labelled.tsv >turns.tsv
paste labelled.tsv turns.tsv | awk -F '\t' 'NR > 1 { seen[$3]; seen[$6]; said[$3]++; is[$6]++; hit[$3] += $3 == $6; n++ }
    END { for (c in seen) { right += hit[c]; f1 += 2 * hit[c] / (said[c] + is[c]); k++ }
          printf "%.6f %.6f\n", right / n, f1 / k }' >want
run 0 eval --json turns.tsv
echo "$(number accuracy out) $(number macro_f1 out)" >got
same got want
same "$(sed 's/.*"confusion":\[\[\(.*\)\]\],.*/\1/; s/\],\[/,/g' out | tr ',' '\n' | awk '{ n += $1 } END { print n }')" 60
(cat labelled.tsv && printf 'a\tb\tpurple\na\n') >wrong.tsv
run 1 eval --json wrong.tsv
err_has "wrong.tsv:62: 'purple' is not a label"
err_has 'wrong.tsv:63: 1 column'
same "$(number n out)" 60
same "$(number failed out)" 2
run 0 eval labelled.tsv
out_has '60 pairs, accuracy 1.0000'
out_has '95 % intervals: accuracy 1.0000 to 1.0000'
out_has 'calibration: ECE'
run 0 eval --bootstrap 0 --core-hour 2 labelled.tsv
out_has 'at 2 a core-hour'
run 0 eval --json --bins 10 --core-hour 3.6 --rows rows.out turns.tsv
cp out eval.json
same "$(lines rows.out)" 60
run 0 eval --json --bins 10 turns.tsv # the same seed, so the same interval
for key in accuracy_interval macro_f1_interval reliability coverage; do
    same "$(sed "s/.*\"$key\":\(\[[^]]*\]\).*/\1/" out)" \
        "$(sed "s/.*\"$key\":\(\[[^]]*\]\).*/\1/" eval.json)"
done
out_has '"rows":null'
# The figures again, from the rows, by other means.
if command -v python3 >/dev/null; then
    what='eval --json against its rows'
    checks=$((checks + 1))
    python3 - >out 2>err <<'END' || fail 'they differ'
import json, math
e = json.load(open("eval.json"))
rows = [json.loads(line) for line in open("rows.out")]
n, labels = len(rows), e["labels"]
sure = [r["probs"][r["predicted"]] for r in rows]
right = [r["predicted"] == r["label"] for r in rows]
def near(name, a, b, tolerance=2e-6):
    assert abs(a - b) <= tolerance, (name, a, b)
near("accuracy", e["accuracy"], sum(right) / n)
near("log loss", e["log_loss"], -sum(math.log(r["probs"][r["label"]]) for r in rows) / n)
near("Brier", e["brier"], sum((r["probs"][c] - (c == r["label"])) ** 2 for r in rows for c in labels) / n)
near("sum", sum(sum(r["probs"].values()) for r in rows), n, 1e-4)
near("ECE", e["ece"], sum(abs(sum(s - t for s, t in zip(sure, right) if b["low"] <= s < b["high"] or s == b["high"] == 1))
                          for b in e["reliability"]) / n)
assert len(e["reliability"]) == 10 and sum(b["pairs"] for b in e["reliability"]) == n
order = sorted(range(n), key=lambda i: -sure[i])
for c in e["coverage"]:
    k = math.ceil(c["coverage"] * n - 1e-9)
    near("threshold", c["threshold"], sure[order[k - 1]])
    if len(set(sure)) == n:
        near("coverage", c["right"], sum(right[i] for i in order[:k]) / k)
if len(set(sure)) == n:
    near("area", e["risk_coverage_area"], sum(1 - sum(right[i] for i in order[:k]) / k for k in range(1, n + 1)) / n)
low, high = e["accuracy_interval"]
assert 0 <= low < e["accuracy"] < high <= 1
times = [r["latency_ms"] for r in rows]
near("latency", e["latency_ms"]["mean"], sum(times) / n, 1e-3)
near("core-seconds", e["core_seconds_per_1000"], sum(times) / n, 1e-3)
near("cost", e["cost_per_1000"], e["core_seconds_per_1000"] / 1000, 1e-6)
END
fi
run 2 eval --rows absent/rows.out labelled.tsv
err_has 'absent/rows.out'
run 2 eval --rows wrong.out absent.tsv
checks=$((checks + 1))
[ ! -e wrong.out ] || fail 'rows of an evaluation that failed'
run 2 eval --bins 1 labelled.tsv
run 2 eval rows.tsv
err_has "no column 'label'"

# ---- calibrate, and the priors that it makes possible ----
# Two thirds of the labels as the model says, one third in turn: something to learn from.
awk -F '\t' 'FNR == NR { name[n++] = $0; next }
    FNR > 1 && FNR % 3 == 0 { $3 = name[int(FNR / 3) % n] } { print $1 "\t" $2 "\t" $3 }' \
    names labelled.tsv >third.tsv
run 2 classify --prior even 'red shoe' shoe
err_has "'relevance calibrate' makes one"
run 2 calibrate "$model" third.tsv
run 2 calibrate --model "$model" "$model" third.tsv calibrated.rlv
run 2 calibrate "$model" labelled.tsv calibrated.rlv # no pair with some label, or none wrong
checks=$((checks + 1))
[ ! -e calibrated.rlv ] || fail 'a model that could not be fitted was written'
run 0 calibrate --json "$model" third.tsv calibrated.rlv
cp out calibrate.json
same "$(number n out)" 60
checks=$((checks + 1))
sed 's/.*"before":\({[^}]*}\),"after":\({[^}]*}\).*/\1 \2/; s/.*"log_loss":\([0-9.]*\).*"log_loss":\([0-9.]*\).*/\1 \2/' out >losses
awk '{ exit !($2 < $1) }' losses || fail "the log loss did not fall: $(cat losses)"
run 0 info --json calibrated.rlv
sed 's/.*"prior":\({[^}]*}\).*/\1/' out >prior.json
sed 's/.*"prior":\({[^}]*}\).*/\1/' calibrate.json >want
same prior.json want
out_has '"probabilities":"temperature'
run 0 eval --json --model calibrated.rlv third.tsv
same "$(number log_loss out)" "$(sed 's/.* //' losses)"
run 0 calibrate "$model" third.tsv calibrated.rlv # over itself, and as a table
out_has 'held out'
shares=$(sed 's/[{}"]//g; s/:/=/g' prior.json)
run 0 classify --json --model calibrated.rlv 'red shoe' shoe
sed 's/.*"probs":\({[^}]*}\).*/\1/; s/\(\.[0-9]\{4\}\)[0-9]*/\1/g' out >want
run 0 classify --json --model calibrated.rlv --prior "$shares" 'red shoe' shoe
sed 's/.*"probs":\({[^}]*}\).*/\1/; s/\(\.[0-9]\{4\}\)[0-9]*/\1/g' out >got
same got want # its own priors change nothing
only=$(tr ',' '\n' <<END | sed "1s/=.*/=1/; 1!s/=.*/=0/" | paste -sd , -
$shares
END
)
run 0 classify --json --model calibrated.rlv --prior "$only" 'red shoe' shoe
out_has "\"$label\":1.000000"
run 0 eval --json --model calibrated.rlv --prior "$only" third.tsv
run 0 rank --json --model calibrated.rlv --prior even 'red shoe' ties.txt
run 0 calibrate --target macro-f1 "$model" third.tsv calibrated.rlv --json
checks=$((checks + 1))
awk -v f="$(sed 's/.*"before"://; s/.*"after":{[^}]*"macro_f1":\([0-9.]*\).*/\1/' out)" \
    -v b="$(sed 's/.*"after":{[^}]*"macro_f1":\([0-9.]*\).*/\1/' calibrate.json)" \
    'BEGIN { exit !(f >= b) }' || fail 'the macro F1 is not better for being the target'
run 2 classify --model calibrated.rlv --prior "$label=1" 'red shoe' shoe
err_has 'each label needs one'
run 2 classify --model calibrated.rlv --prior "$label=1,$label=1" 'red shoe' shoe
err_has 'twice'
run 2 classify --model calibrated.rlv --prior "purple=1" 'red shoe' shoe
err_has "'purple=1' is not a label"
run 2 classify --model calibrated.rlv --prior "$label=-1" 'red shoe' shoe
err_has 'from 0 up'
run 2 calibrate --prior "$only" "$model" third.tsv calibrated.rlv
err_has 'above 0'
run 2 calibrate "$model" third.tsv absent/calibrated.rlv

# ---- tokenize ----
run 0 tokenize --json 'red shoe' 'blue shoe'
cp out pair.ids
printf 'query\ttitle\nred shoe\tblue shoe\n' >two.tsv
run 0 tokenize --json two.tsv
same out pair.ids
run 0 tokenize --json --max-length 5 two.tsv
same "$(tr ',' '\n' <out | wc -l | tr -d ' ')" 5
run 0 tokenize --json --text 'red shoe' 'blue shoe'
out_has '"[SEP]"'
same "$(grep -o SEP out | wc -l | tr -d ' ')" 2
run 0 tokenize --json --text --single 'red shoe'
same "$(grep -o SEP out | wc -l | tr -d ' ')" 1
run 0 tokenize --json --single --special-tokens text 'red [SEP] shoe'
cp out text.ids
run 0 tokenize --json --single --special-tokens parse 'red [SEP] shoe'
checks=$((checks + 1))
cmp -s out text.ids && fail '--special-tokens makes no difference'
run 0 tokenize 'red shoe' 'blue shoe'
run 2 tokenize --single a b

# ---- bench ----
run 0 bench "$model" --tokens 16 --threads 1 --json --seconds 0.01
same "$(lines out)" 1
for key in p50_ms p95_ms min_ms mean_ms pairs_per_s open_ms private_mb tokens threads isa weights; do
    out_has "\"$key\":"
done
run 0 bench --tokens 8,16 --threads 1,2 --seconds 0.01
same "$(lines out)" 7
run 0 bench --profile --tokens 16 --threads 1 --seconds 0.01
out_has 'rest'
run 0 bench --batch 3 --tokens 16 --threads 1 --json --seconds 0.01
out_has '"batch":3'
run 2 bench --tokens 100000 --threads 1

echo "cli.sh: $checks checks, $failures failed, $skipped skipped"
[ "$failures" -eq 0 ]
