#!/bin/sh
# Numbers become text, and text numbers, in base/number.c alone: anywhere else the locale of a host program with a
# decimal comma would change files and refuse settings.
# usage: numbers.sh SOURCE_FOLDER
cd "$1" || exit 1
status=0

sources() { # all but base/number.c, the tests and the build folder
    find . -name '*.[ch]' ! -path './tests/*' ! -path './build/*' ! -path './bench/*' ! -path './base/number.c' \
        ! -path './.git/*' | sort
}

complain() { # complain WHAT FINDINGS
    [ -z "$2" ] && return
    echo "$1:"
    echo "$2"
    status=1
}

# Parsing.
found=$(sources | xargs grep -nE '\b(strto(d|f|ld|l|ul|ll|ull|imax|umax)(_l)?|ato(i|f|l|ll)|v?[sf]?scanf) *\(')
complain "numbers are parsed outside base/number.c (esp_number_parse, esp_i64_parse, esp_u64_parse)" "$found"

# JSON text: cJSON asks the locale for its decimal point.
found=$(sources | grep -v '^\./base/json\.c$' | xargs grep -nE '\bcJSON_(Print[A-Za-z]*|Parse[A-Za-z]*) *\(')
complain "JSON is converted outside base/json.c (esp_json_line, esp_json_pretty, esp_json_parse)" "$found"

# Printing: every call of the printf family that converts a double, and every va_list, whose conversions are not known.
# The program's own streams are exempt: it never leaves the C locale.
found=$(for file in $(sources); do
    case $file in ./cli/*) family='as|sn?' ;; *) family='as|d|f|sn?' ;; esac
    tr '\n' ' ' <"$file" |
        grep -oE "\b($family)printf *\([^;]*;|\bv(as|d|f|sn?)?printf *\([^;]*;" |
        sed 's/%%//g' | grep -E '^v|%[-+ #0-9.*]*[aAeEfFgG]' | cut -c1-100 | sed "s|^|$file: |"
done)
complain "numbers are printed outside base/number.c (esp_format, esp_format_list)" "$found"

[ $status -eq 0 ] && echo "numbers become text in one place"
exit $status
