# SPDX-License-Identifier: Apache-2.0
#
# Completion of 'relevance' for fish: source this file, or install it as
# share/fish/vendor_completions.d/relevance.fish.  Commands and options come from the program's own
# help texts.

function __relevance_commands
    set -l program (commandline -opc)[1]
    $program help 2>/dev/null | awk '/^Examples:/ { exit } /^  [a-z][a-z-]*  / {
        name = $1; sub(/^ +[^ ]+ +/, ""); print name "\t" $0 }'
end

function __relevance_options
    set -l words (commandline -opc)
    $words[1] help $words[2] 2>/dev/null | awk '/^ +-/ {
        sub(/^ +/, ""); text = ""
        if (match($0, /  +/)) { text = substr($0, RSTART + RLENGTH); $0 = substr($0, 1, RSTART - 1) }
        n = split($0, w, /[ ,=[]+/)
        for (i = 1; i <= n; i++)
            if (w[i] ~ /^--?[a-z]/ && !(w[i] in seen)) { seen[w[i]]; print w[i] "\t" text } }'
end

function __relevance_first
    test (count (commandline -opc)) -eq 1
end

function __relevance_help
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = help
end

# A command stands, and an option is being typed.
function __relevance_option
    set -l words (commandline -opc)
    test (count $words) -ge 2; and string match -q -- '-*' (commandline -ct)
end

function __relevance_after
    set -l words (commandline -opc)
    contains -- $words[-1] $argv
end

complete -c relevance -n __relevance_first -f -a '(__relevance_commands)'
complete -c relevance -n __relevance_first -f -a '--help --version'
complete -c relevance -n __relevance_help -f -a '(__relevance_commands)'
complete -c relevance -n __relevance_option -f -a '(__relevance_options)'
complete -c relevance -n '__relevance_after --isa' -f -a 'auto scalar avx2 avx512 avx512vnni amx neon neondot neoni8mm'
complete -c relevance -n '__relevance_after --special-tokens' -f -a 'text parse'
complete -c relevance -n '__relevance_after --f32-gemm' -f -a 'auto own blas'
complete -c relevance -n '__relevance_after -f --format' -f -a 'auto tsv csv jsonl lines'
complete -c relevance -n '__relevance_after -o --output' -f -a 'auto tsv csv jsonl table'
complete -c relevance -n '__relevance_after --task' -f -a 'relevance intent'
complete -c relevance -n '__relevance_after --target' -f -a 'accuracy macro-f1'
complete -c relevance -n '__relevance_after --weights' -f -a 'f32 f16 q8 q7 q6 q5 q4 q3'
complete -c relevance -n '__relevance_after --embeddings' -f -a 'f32 f16 q8 q6 q5 q4 q3'
