# SPDX-License-Identifier: Apache-2.0
#
# Completion of 'relevance' for bash: source this file, or install it as
# share/bash-completion/completions/relevance.  Options come from the program's own help texts.

_relevance()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='classify rank eval tokenize info bench convert calibrate help' words=
    local isas='auto scalar avx2 avx512 avx512vnni neon neondot neoni8mm'
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$commands --help --version"
    elif [ "${COMP_WORDS[1]}" = help ]; then
        words=$commands
    else
        case $before in
        --isa) words=$isas ;;
        --special-tokens) words='text parse' ;;
        --f32-gemm) words='auto own blas' ;;
        -f | --format) words='auto tsv csv jsonl lines' ;;
        -o | --output) words='auto tsv csv json table' ;;
        --target) words='accuracy macro-f1' ;;
        --weights) words='f32 f16 q8 q7 q6 q5 q4 q3' ;;
        --embeddings) words='f32 f16 q8 q6 q5 q4 q3' ;;
        *)
            case $word in
            -*) words=$("${COMP_WORDS[0]}" help "${COMP_WORDS[1]}" 2>/dev/null |
                grep -o -e '--[a-z0-9][a-z0-9-]*' | sort -u) ;;
            esac
            ;;
        esac
    fi
    # No words: file names, by '-o default' below.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _relevance relevance
