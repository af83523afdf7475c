# SPDX-License-Identifier: Apache-2.0
#
# Completion of 'relevance' for bash: source this file, or install it as
# share/bash-completion/completions/relevance.  Commands and options come from the program's own
# help texts, so they are those of the version that runs.

_relevance_commands()
{
    "$1" help 2>/dev/null | awk '/^Examples:/ { exit } /^  [a-z][a-z-]*  / { print $1 }'
}

# The options of a command: every word with a dash before the description on a line that begins so.
_relevance_options()
{
    "$1" help "$2" 2>/dev/null | awk '/^ +-/ {
        sub(/^ +/, ""); sub(/  .*/, ""); n = split($0, w, /[ ,=[]+/)
        for (i = 1; i <= n; i++) if (w[i] ~ /^--?[a-z]/) print w[i] }' | sort -u
}

_relevance()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$(_relevance_commands "$program") --help --version"
    elif [ "${COMP_WORDS[1]}" = help ]; then
        words=$(_relevance_commands "$program")
    else
        case $before in
        --isa) words='auto scalar avx2 avx512 avx512vnni amx neon neondot neoni8mm' ;;
        --special-tokens) words='text parse' ;;
        --f32-gemm) words='auto own blas' ;;
        -f | --format) words='auto tsv csv jsonl lines' ;;
        -o | --output) words='auto tsv csv jsonl table' ;;
        --task) words='relevance intent' ;;
        --target) words='accuracy macro-f1' ;;
        --weights) words='f32 f16 q8 q7 q6 q5 q4 q3' ;;
        --embeddings) words='f32 f16 q8 q6 q5 q4 q3' ;;
        *) case $word in -*) words=$(_relevance_options "$program" "${COMP_WORDS[1]}") ;; esac ;;
        esac
    fi
    # No words: file names, by '-o default' below.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _relevance relevance
