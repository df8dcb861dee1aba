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

seconds() { num '%.1f s' "$1" .cpu_s; }

# Puts pieces, one per line of standard input, into lines of at most WIDTH columns.
filled() { # filled WIDTH END INDENT: what ends a line that is continued, and what begins the next one
    awk -v width="$1" -v end="$2" -v indent="$3" '
        NR == 1 { line = $0; next }
        length(line) + 1 + length($0) > width { print line end; line = indent $0; next }
        { line = line " " $0 }
        END { print line }'
}

# A paragraph whose numbers come from results.
prose() { tr -s ' ' '\n' | filled 118 "" ""; }

# A command in lines that fit the document; an option stays with its value.
folded() { sed 's/ -/\n-/g' <<<"$1" | filled 100 ' \\' '    '; }

row() { # row CELL...
    printf '|'
    printf ' %s |' "$@"
    echo
}

head_row() {
    row "$@"
    row "${@//*/---}"
}

# The commands behind a table, as typed in the top folder, with the seconds that each kept processors busy.
made_by() {
    local name command
    printf '\n```sh\n'
    for name; do
        command=$(get "$name" .command)
        [ ${#data[@]} -eq 0 ] || command=${command//$mnist/DIR}
        echo "$(folded "$command")$(seconds "$name" | sed '/^-$/d; s/^/  # /')"
    done
    printf '```\n\n'
}

# "MuJoCo 4.0.1": what results were simulated with.
simulated_with() { # simulated_with NAME...
    local name
    echo "MuJoCo $(for name; do get "$name" .mujoco; done | sort -u | paste -sd, | sed 's/,/, /g')"
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
        printf '# Results\n\n'
        prose <<TEXT
Made by \`bench/reproduce\` with $("$espalier" --version) on $(nproc) threads of a processor of the kind
$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1). The paper is Sundaram, Ulmen, Haider, Görges,
*Application-Specific Component-Aware Structured Pruning of Deep Neural Networks in Control via Soft Coefficient
Optimization*; its numbers were measured on an Intel Core i7-8650U.
TEXT
        echo
        prose <<TEXT
Autoencoders see $(data_text). Returns are means over held-out episodes (\`--seed $report_seed\`; searches draw theirs
from a disjoint range) with their 95 % bootstrap interval, sparse reward; *held* is the share of episodes that keep the
pole up to the end. The optimum of the pendulum, by dynamic programming on the true dynamics, is about 845 from random
and 690 from hanging starts.
TEXT
        echo
        prose <<TEXT
Commands are typed in the top folder; \`espalier\` stands for \`build/release/espalier\`. The comment behind a command is
the time that it kept processors busy, all threads together, held-out measurements included. A table of the agent says
which MuJoCo it was simulated with; nothing is simulated for the autoencoder. Results are bit-identical for any number
of threads on one kind of processor; on another kind sums are rounded differently, and a return may differ within its
interval.
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
