#!/usr/bin/env bash
# Tests of the demo and the playground: the story is told to its end, and whoever ends it early, and how, nothing is
# left running. Takes about a minute and a half.
set -euo pipefail

DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Whatever is started here bears the mark in its environment, and so do its children's children.
mark=IRSA_DEMO_TEST=$$.$RANDOM
top=$(mktemp -d)
checks=0

finish() {
    local status=$? dir
    trap '' INT TERM HUP
    for dir in "$top"/*/; do "$DEV/env" down "$dir" || true; done
    if [ $status -eq 0 ]; then
        rm -rf "$top"
        echo "demo: $checks passed, 0 failed"
    else
        echo "demo: $checks passed, 1 failed; what it left: $top"
    fi
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
ok() {
    checks=$((checks + 1))
    echo "ok: $1"
}

left() {
    grep -lsF "$mark" /proc/[0-9]*/environ | while read -r file; do
        { tr '\0' ' ' <"${file%environ}cmdline" && echo; } 2>/dev/null
    done
}
nothing_left() { # SENTENCE
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        [ -n "$(left)" ] || break
        sleep 0.05
    done
    [ -z "$(left)" ] || {
        left >&2
        fail "$1: these still run"
    }
    ok "$1: nothing is left"
}

story() {
    local status=0
    env "$mark" "$DEV/demo" "$top/story" >"$top/out" 2>&1 </dev/null || status=$?
    cat "$top/out"
    [ $status -eq 0 ] || fail "the demo ended with status $status"
    grep -q '^8\. ' "$top/out" || fail "the story has no eighth step"
    ! grep -q $'\e' "$top/out" || fail "colours in a file"
    ok "the demo tells its story to the end"
    nothing_left "after the story"
}

# killed SIGNAL TEXT: as soon as TEXT is printed.
killed() {
    local pid status=0 dir=$top/killed.$1 tries
    : >"$top/out"
    # Job control, so that Ctrl-C is not turned off for it, as it is for what a script runs in the background.
    env --default-signal "$mark" "$DEV/demo" "$dir" >"$top/out" 2>&1 </dev/null &
    pid=$!
    for ((tries = 0; tries < 1200; tries++)); do
        ! grep -qF -- "$2" "$top/out" || break
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
    done
    grep -qF -- "$2" "$top/out" || {
        cat "$top/out"
        fail "the demo never came to \"$2\""
    }
    kill -s "$1" $pid
    wait $pid 2>/dev/null || status=$?
    [ $status -gt 128 ] || fail "after $1 the demo ended with status $status"
    nothing_left "$1 at \"$2\""
}

# A step that fails stops it, with a reason and a log to read. Here: the API server is gone.
stopped() {
    local pid status=0 dir=$top/stopped tries
    : >"$top/out"
    env "$mark" "$DEV/demo" "$dir" >"$top/out" 2>&1 </dev/null &
    pid=$!
    for ((tries = 0; tries < 1200; tries++)); do
        ! grep -q '^3\. ' "$top/out" || break
        sleep 0.05
    done
    "$DEV/env" stop "$dir" kube-apiserver
    wait $pid || status=$?
    [ $status -eq 1 ] || fail "a step that fails ended the demo with status $status"
    if ! grep -q '^It stopped at: ' "$top/out" || ! grep -q "$dir/logs/operator.log" "$top/out"; then
        cat "$top/out"
        fail "it does not say where it stopped and what to read"
    fi
    [ -s "$dir/logs/operator.log" ] || fail "the log that it names is not there"
    ok "a step that fails stops the demo with a reason and a log"
    nothing_left "after a failed step"
}

playground() {
    local dir=$top/playground
    env "$mark" "$DEV/playground" up "$dir" >"$top/out" 2>&1 </dev/null || {
        cat "$top/out"
        fail "make up failed"
    }
    # As its output says: nothing but those lines.
    # shellcheck disable=SC2016
    env -i "$mark" PATH="$PATH" HOME="$HOME" bash -euc '
        eval "$(grep "^  export " "$0")"
        cd "$1"
        kubectl apply -f config/samples
        kubectl wait -n billing --for=condition=Ready irsabinding/invoices --timeout 30s
        for _ in 1 2 3 4 5; do # its reads lag behind its writes, as those of AWS do
            ! aws iam get-role --role-name demo_billing_invoices || exit 0
            sleep 1
        done
        exit 1' "$top/out" "$DEV/.." >"$top/used" 2>&1 || {
        cat "$top/out" "$top/used"
        fail "the playground cannot be used as it says"
    }
    ok "the playground can be used as it says"
    "$DEV/playground" down "$dir" >/dev/null
    nothing_left "make down"
}

story
stopped
killed KILL '1. A Kubernetes'
killed INT '4. The role'
killed TERM '2. The operator'
playground
