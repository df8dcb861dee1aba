# Writes results as Markdown. What is not there is a dash.
# shellcheck shell=bash

get() { # get NAME FILTER
    jq -r "($2) // \"-\"" "$out/$1.json" 2>/dev/null || echo -
}

num() { # num FORMAT NAME FILTER
    local value
    value=$(get "$2" "$3")
    # shellcheck disable=SC2059
    if [ "$value" = - ]; then echo -; else printf "$1" "$value"; fi
}

count() { # count NAME FILTER: with commas between thousands
    get "$@" | sed ':again; s/\B[0-9]\{3\}\>/,&/; t again'
}

seconds() { num '%.1f s' "$1" .command_s; }

row() { # row CELL...
    printf '|'
    printf ' %s |' "$@"
    echo
}

head_row() {
    row "$@"
    row "${@//*/---}"
}

# The commands behind a table, as typed from the top folder, and the wall time of each.
made_by() {
    local name command
    echo
    for name; do
        command=$(get "$name" .command)
        [ ${#data[@]} -eq 0 ] || command=${command//$mnist/DIR}
        row "\`$command\`" "$(seconds "$name")"
    done | { head_row command "wall time"; cat; }
    echo
}

# picture NAME.ENDING FILE TEXT: copies it beside the document.
picture() {
    [ -s "$out/$1" ] || return 0
    cp "$out/$1" "${document%.md}/$2"
    printf '\n![%s](%s/%s)\n' "$3" "$(basename "${document%.md}")" "$2"
}

# "810.7 [769.6, 851.5]" of an evaluation
returns() {
    local mean low high
    read -r mean low high < <(get "$1" '"\(.return_mean) \(.return_ci95[0]) \(.return_ci95[1])"')
    if [ "$mean" = - ]; then echo -; else printf '%.1f [%.1f, %.1f]' "$mean" "$low" "$high"; fi
}

held() { num '%.0f %%' "$1" '100 * .success_rate'; }

data_text() {
    if [ ${#data[@]} -gt 0 ]; then echo "the original MNIST files (\`DIR\` below)"
    else echo "**generated digits, not MNIST** (no folder was found): errors can't be compared with the paper's"; fi
}

write_document() {
    local part
    {
        cat <<TEXT
# Results

Made by \`bench/reproduce\` with $("$espalier" --version) on $(nproc) threads of
$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1). The paper is Sundaram, Ulmen, Haider, Görges,
*Application-Specific Component-Aware Structured Pruning of Deep Neural Networks in Control via Soft Coefficient
Optimization*; its numbers were measured on an Intel Core i7-8650U.

Autoencoders see $(data_text). Returns are means over held-out episodes (\`--seed $report_seed\`; searches draw theirs
from a disjoint range) with their 95 % bootstrap interval, sparse reward; *held* is the share of episodes that keep the
pole up to the end. The optimum of the pendulum, by dynamic programming on the true dynamics, is about 845 from random
and 690 from hanging starts. Wall times are those of whole commands, held-out measurements included; runtimes are of the
search alone.
TEXT
        for part in autoencoder pendulum agents; do
            if [ -s "$out/$part.md" ]; then
                echo
                cat "$out/$part.md"
            fi
        done
    } >"$document.part"
    mv "$document.part" "$document"
}
