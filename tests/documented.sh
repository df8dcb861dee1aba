#!/bin/sh
# Every declaration of a public header has a doc comment, directly above or on the same line: functions, types,
# macros, variables, and every member of a type that spans several lines. A heading ("/* ---- file.c ---- */") says
# where things are, not what they are.
# usage: documented.sh SOURCE_FOLDER [HEADER...]; without headers, all public ones
cd "$1" || exit 1
shift

# Headers that are not complete yet: their missing comments are counted, but are not a failure.
exceptions=""

# Prints "HEADER:LINE: TEXT" for each undocumented declaration, then "HEADER: N of M declarations documented".
program='
function judge() {
    all++
    if (said) good++
    else { gsub(/^[ \t]+|[ \t]+$/, "", text); printf "%s:%d: %s\n", FILENAME, first, text }
    started = 0
}

# Splits the line: `code`, and whether it has a comment; a comment on lines of its own documents what follows.
{
    code = $0
    comment = in_comment
    heading = 0
    if (in_comment) {
        in_comment = code !~ /\*\//
        if (in_comment) code = ""
        else            sub(/^.*\*\//, "", code)
    } else if ((at = index(code, "/*")) > 0) {
        comment = 1
        heading = substr(code, at) ~ /^\/\* ----/
        in_comment = substr(code, at) !~ /\*\//
        rest = in_comment ? "" : substr(code, at)
        sub(/^.*\*\//, "", rest)
        code = substr(code, 1, at - 1) rest
    }
    bare = code
    gsub(/[ \t]/, "", bare)
    if (bare == "") {
        above = comment && !heading
        if (started && depth == opened) said = said || above
        next
    }
}

# Not a declaration, and its braces enclose the header.
/^extern "C" \{$/ || (depth == 0 && /^\}$/) { next }

# Macros, but not the guard of the header; other lines of the preprocessor declare nothing.
continued || bare ~ /^#/ {
    if (!continued && bare ~ /^#define/ && bare !~ /_H$/) {
        first = FNR
        text = code
        said = above || comment
        judge()
    }
    continued = bare ~ /\\$/
    above = 0
    next
}

{
    if (!started) { started = 1; first = FNR; text = code; said = above; opened = depth }
    if (depth == opened) said = said || comment
    above = 0
    before = depth
    depth += gsub(/\{/, "{", bare) - gsub(/\}/, "}", bare)
    if (before == 0 && depth > 0) { # a type on several lines, or the body of a function
        body = text ~ /\(/
        each_line = text ~ /enum/
        judge()
    } else if (before > 0 && depth == 0) {
        started = body = 0
    } else if (body) {
        started = 0
    } else if (bare ~ /[;}]$/ || (depth > 0 && each_line)) {
        judge()
    }
}

END { printf "%s: %d of %d declarations documented\n", FILENAME, good, all }
'

status=0
[ $# -gt 0 ] || set -- $(ls [a-z]*/*.h | grep -v -e '^tests/' -e '^bench/' -e '^build/' -e '_internal\.h$')
for header; do
    report=$(awk "$program" "$header") || exit 1
    summary=$(echo "$report" | tail -n 1)
    case " $(echo $exceptions) " in
        *" $header "*) echo "$summary (on the list of exceptions)" ;;
        *) echo "$report"; [ "$(echo "$report" | wc -l)" -eq 1 ] || status=1 ;;
    esac
done
exit $status
