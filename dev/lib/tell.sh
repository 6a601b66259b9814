# shellcheck shell=bash
# How demo and playground speak: a title for each step, commands as a user would type them with what they answer, and
# a mark for each thing that was checked. Sourced.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' GREEN='' RED='' PLAIN=''
fi
WIDTH=116
STEP='the start'
OUTPUT=$(mktemp)

# title TEXT
title() {
    STEP=$1
    printf '\n%s%s%s\n' "$BOLD" "$1" "$PLAIN"
}

# tell LINE...
tell() { printf '  %s\n' "$@"; }

# fail WHY: the end.
fail() {
    printf '  %s✗ %s%s\n' "$RED" "$1" "$PLAIN"
    exit 1
}

# ended STATUS: the trap of whoever tells a story.
ended() {
    rm -f "$OUTPUT"
    [ "$1" -ne 0 ] || return 0
    [ "$1" -lt 128 ] || exit "$1" # Ctrl-C and its kin need no explanation
    {
        printf '\nIt stopped at: %s\n' "$STEP"
        if [ -s "$IRSA_ENV_DIR/logs/operator.log" ]; then
            printf 'The operator said last:\n'
            tail -n 5 "$IRSA_ENV_DIR/logs/operator.log" | cut -c1-400 | sed 's/^/  /'
            printf 'Its whole log: %s\n' "$IRSA_ENV_DIR/logs/operator.log"
        fi
        printf 'What else ran: %s/logs\n' "$IRSA_ENV_DIR"
    } >&2
}

# answer [LINES]: the last output, so many lines of it at most. Where no number is given they are sentences, and
# folded; else what is too wide is cut.
answer() {
    local most=${1:-30} shape=(fold -s -w "$WIDTH") lines line
    [ -z "${1:-}" ] || shape=(sed "s/^\\(.\\{$((WIDTH - 1))\\}\\)..*/\\1…/")
    lines=$(grep -c . "$OUTPUT" || true)
    sed '/^$/d' "$OUTPUT" | head -n "$most" | "${shape[@]}" | while IFS= read -r line; do
        printf '    %s%s%s\n' "$DIM" "$line" "$PLAIN"
    done
    [ "$lines" -le "$most" ] || printf '    %s… and %d more lines%s\n' "$DIM" $((lines - most)) "$PLAIN"
}

# prompt COMMAND
prompt() {
    local line mark='$'
    while IFS= read -r line; do
        printf '  %s %s\n' "$mark" "$line"
        mark=' '
    done <<<"$1"
}

# show COMMAND [LINES]: runs it in this shell, so that it may set variables. It must succeed.
show() {
    local status=0
    prompt "$1"
    eval "$1" >"$OUTPUT" 2>&1 || status=$?
    answer "${2:-}"
    [ $status -eq 0 ] || fail "that should have worked, but ended with status $status"
}

# show_soon COMMAND [LINES]: as show, for what AWS does only once it has heard everywhere of its own last change.
show_soon() {
    local deadline=$((SECONDS + 10)) status=1
    prompt "$1"
    until [ $status -eq 0 ] || [ $SECONDS -ge $deadline ]; do
        status=0
        eval "$1" >"$OUTPUT" 2>&1 || status=$?
    done
    answer "${2:-}"
    [ $status -eq 0 ] || fail "that should have worked within 10 s, but ended with status $status"
}

# show_refused COMMAND WHAT: it must fail, and say WHAT (a pattern) to it. AWS may take a moment until it does.
show_refused() {
    local deadline=$((SECONDS + 10))
    prompt "$1"
    while eval "$1" >"$OUTPUT" 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "that should have been refused"
    done
    answer
    grep -qE -- "$2" "$OUTPUT" || fail "the refusal does not say \"$2\""
}

# tick SENTENCE
tick() { printf '  %s✓%s %s\n' "$GREEN" "$PLAIN" "$1"; }

# check SENTENCE COMMAND...
check() {
    "${@:2}" >/dev/null 2>&1 || fail "not so: $1"
    tick "$1"
}

milliseconds() { echo $((${EPOCHREALTIME//[^0-9]/} / 1000)); }

# await SECONDS SENTENCE COMMAND...: until it holds. Sets TOOK, as "2.3 s later".
await() {
    local start took
    start=$(milliseconds)
    until "${@:3}" >/dev/null 2>&1; do
        [ $(($(milliseconds) - start)) -lt $(($1 * 1000)) ] || fail "not so after $1 s: $2"
        sleep 0.05
    done
    took=$(($(milliseconds) - start))
    TOOK='at once'
    # shellcheck disable=SC2034 # for whoever called
    [ $took -lt 100 ] || TOOK="$((took / 1000)).$((took % 1000 / 100)) s later"
}

# check_soon SECONDS SENTENCE COMMAND...: the same, told.
check_soon() {
    await "$@"
    tick "$2"
}
