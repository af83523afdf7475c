#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# completion.sh RELEVANCE - bash, zsh and fish complete every command, and every option that the help
# of each command names; values and file names too.
#
# What is expected is read here from the help texts, by rules of its own: commands are the first
# words of the indented list, options are all words that begin with two dashes and stand in the usage
# or at the start of a line.  Lists are split into words on purpose.
# shellcheck disable=SC2086
set -eu

[ $# -eq 1 ] || { echo "usage: $0 RELEVANCE" >&2; exit 2; }
exe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir bin
ln -s "$exe" bin/relevance
PATH=$scratch/bin:$PATH
HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_DATA_HOME=$scratch
TERM=dumb
export PATH HOME XDG_CONFIG_HOME XDG_DATA_HOME TERM
touch pairs.tsv
checks=0
fail() { echo "completion.sh: $*" >&2; exit 1; }

relevance help | sed -n '/^usage/,/^Examples/s/^  \([a-z][a-z]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 8 ] || fail "no commands in the help: $(cat commands)"
while read -r command; do
    relevance help "$command" | grep -E '^ +-' | sed 's/^ *//; s/   *.*//' | tr ' ,' '\n\n' |
        grep -E '^--?[a-z]' | sed 's/[=[].*//' | sort -u >"options.$command"
    [ "$command" = help ] || grep -q -e --help "options.$command" || fail "no options: $command"
done <commands

expect() { # SHELL LINE FILE: each line of FILE is offered
    "complete_$1" "$2" >offered || fail "$1: '$2' fails"
    while read -r word; do
        grep -Fxq -e "$word" offered || fail "$1: '$2' does not offer '$word' but: $(tr '\n' ' ' <offered)"
        checks=$((checks + 1))
    done <"$3"
}
words() { printf '%s\n' "$@" >words; }

# Each prints the words that the shell would offer for a line, one a line; the last word of the line
# is the one that is being typed, and may be empty.
complete_bash() {
    bash --norc -c '
        set -u
        . "$1"
        line=$2
        read -r -a COMP_WORDS <<<"$line"
        case $line in *" ") COMP_WORDS+=("") ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _relevance
        if [ ${#COMPREPLY[@]} -eq 0 ]; then compgen -f -- "${COMP_WORDS[COMP_CWORD]}"
        else printf "%s\n" "${COMPREPLY[@]}"; fi; :' bash "$root/tools/completion/relevance.bash" "$1"
}
# The functions of the completion system that the script calls, made to print.
complete_zsh() {
    zsh -f -c '
        _describe() { local name=${@[-1]}; print -rl -- ${${(P)name}%%:*} }
        _files() { print -rl -- *(N) }
        words=(${(z)2}); [[ $2 == *" " ]] && words+=("")
        CURRENT=$#words
        . $1' zsh "$root/tools/completion/_relevance" "$1"
}
complete_fish() {
    fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$root/tools/completion/relevance.fish" "$1" |
        cut -f 1
}

for shell in bash zsh fish; do
    command -v $shell >/dev/null || { echo "SKIP: completion.sh: no $shell"; continue; }
    expect $shell 'relevance ' commands
    expect $shell 'relevance help ' commands
    words classify
    expect $shell 'relevance cla' words
    while read -r command; do
        expect $shell "relevance $command -" "options.$command"
    done <commands
    words avx512vnni amx neon
    expect $shell 'relevance classify --isa ' words
    words jsonl table
    expect $shell 'relevance classify --output ' words
    words pairs.tsv
    expect $shell 'relevance classify pai' words
    # And nothing that is not there.
    complete_$shell 'relevance classify -' >offered
    grep -Fxq -e --weights offered && fail "$shell offers an option of another command"
done
echo "completion: $checks words offered"
