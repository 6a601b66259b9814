#!/usr/bin/env bash
# Tests of dev/env against the real thing: environments side by side, components that come and go, and above all
# that nothing is left behind, however an environment's owner ends. Takes about 40 s.
set -euo pipefail

DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mark=IRSA_ENV_TEST=$$.$RANDOM
top=$(mktemp -d)
checks=0

# Whatever was started for this test bears the mark in its environment, and so do its children's children.
left() {
    grep -lsF "$mark" /proc/[0-9]*/environ | while read -r file; do
        { tr '\0' ' ' <"${file%environ}cmdline" && echo; } 2>/dev/null
    done
}

finish() {
    local status=$? dir
    trap '' INT TERM HUP
    for dir in "$top"/*/; do "$DEV/env" down "$dir" || true; done
    if [ $status -eq 0 ]; then
        rm -rf "$top"
        echo "env: $checks passed, 0 failed"
    else
        echo "env: $checks passed, 1 failed; what it left: $top"
    fi
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# check SENTENCE COMMAND...
check() {
    "${@:2}" || fail "$1"
    checks=$((checks + 1))
    echo "ok: $1"
}

dev_env() { env --default-signal "$mark" "$DEV/env" "$@"; }
quietly() { "$@" >/dev/null; }
# shellcheck source=/dev/null
in_env() { (. "$1/env" && "${@:2}"); }
equal() { [ "$1" = "$2" ] || fail "got '$1', not '$2'"; }
fails() { ! "$@" 2>/dev/null; }

# soon COMMAND...: within 10 s.
soon() {
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        ! "$@" || return 0
        sleep 0.05
    done
    return 1
}
nothing_left() { [ -z "$(left)" ]; }
nothing_left_soon() { soon nothing_left || { left >&2 && return 1; }; }

side_by_side() {
    local a=$top/a b="$top/b with a space" bystander pid
    dev_env up "$a" &
    pid=$!
    dev_env up "$b"
    wait $pid
    check "two environments that start together have their own ports" fails cmp -s "$a/ports" "$b/ports"
    check "a folder that is in use is refused" fails dev_env up "$a"

    in_env "$a" kubectl create namespace only-in-a >/dev/null
    check "each has its own API server" fails in_env "$b" kubectl get namespace only-in-a
    # shellcheck disable=SC2016
    check "the API server's issuer is the one in AWS" equal \
        "$(in_env "$b" kubectl get --raw /.well-known/openid-configuration | sed 's/.*"issuer":"\([^"]*\)".*/\1/')" \
        "$(in_env "$b" bash -c 'aws eks describe-cluster --name "$IRSA_EKS_CLUSTER" --query cluster.identity.oidc.issuer --output text')"
    check "the keys are an admin's of the account" equal \
        "$(AWS_PROFILE=mine in_env "$a" aws sts get-caller-identity --query Arn --output text)" arn:aws:iam::111122223333:user/admin
    check "writes are in the audit log" grep -q '"verb":"create".*only-in-a' "$a/audit.log"

    run_command "$a"
    dev_env stop "$a" kube-apiserver
    dev_env stop "$a" etcd TERM
    check "a stopped API server is gone" fails in_env "$a" kubectl get --raw /readyz
    dev_env start "$a" etcd
    dev_env start "$a" kube-apiserver
    check "it comes back with its data" quietly in_env "$a" kubectl get namespace only-in-a
    dev_env stop "$a" aws STOP
    check "a frozen AWS does not answer" fails in_env "$a" timeout 1 aws sts get-caller-identity
    dev_env start "$a" aws
    check "it wakes up and knows the keys" quietly in_env "$a" aws sts get-caller-identity

    # What others run in it, and what only looks like it: a pid that by now is somebody else's.
    dev_env launch "$a" sleeper -- sleep 1000
    # shellcheck disable=SC2016
    dev_env launch "$a" stubborn -- bash -c 'trap "" TERM; sleep 1000 & while :; do wait; done'
    sleep 1000 &
    bystander=$!
    echo "$bystander 1" >"$a/pids/recycled"
    check "down ends what was launched" dev_env down "$a"
    dev_env down "$b"
    check "down leaves nothing behind" nothing_left
    check "down spares a pid that is somebody else's by now" kill -0 "$bystander"
    kill "$bystander"
    check "down twice is no error" dev_env down "$a"
}

run_command() {
    local dir=$top/run status=0 out name
    # As setup-envtest would have them.
    mkdir "$top/assets"
    for name in etcd kube-apiserver; do
        printf '#!/bin/sh\nexec %q "$@"\n' "$(readlink "$1/bin/$name")" >"$top/assets/$name"
        chmod +x "$top/assets/$name"
    done
    # shellcheck disable=SC2016
    out=$(echo in | KUBEBUILDER_ASSETS=$top/assets dev_env run "$dir" --no-controller-manager --no-aws -- bash -c '
        sleep 1000 &
        read -r word && echo "$word $(kubectl get --raw /readyz) $(readlink "$IRSA_ENV_DIR/bin/etcd")"; exit 7') || status=$?
    check "run gives its command standard input and an API server, of KUBEBUILDER_ASSETS" equal "$out" "in ok $top/assets/etcd"
    check "run ends as its command did" equal "$status" 7
    check "nothing is left of it, nor of what it ran" fails quietly pgrep -f "$dir"
}

# A first build takes minutes, so it is while building that people lose patience.
killed_building() {
    local status
    mkdir "$top/slow"
    printf '#!/bin/sh\nsleep 1000\n' >"$top/slow/go"
    chmod +x "$top/slow/go"
    for signal in TERM KILL EOF; do
        status=0
        PATH=$top/slow:$PATH IRSA_DEV_CACHE=$top/cache KUBEBUILDER_ASSETS='' started hold "$top/building.$signal"
        soon quietly pgrep -f "$top/slow/go"
        if [ $signal = EOF ]; then exec 5>&-; else kill -s $signal "$PID"; fi
        wait "$PID" 2>/dev/null || status=$?
        check "$signal while building: nothing is left" nothing_left_soon
        exec 5>&-
    done
}

# started COMMAND ARGUMENT...: in the background, itself and no shell around it; PID. Its standard input is open as
# long as our 5 is.
started() {
    mkfifo "$top/stdin"
    exec env --default-signal "$mark" "$DEV/env" "$@" <"$top/stdin" >"$top/stdout" 5>&- &
    PID=$!
    exec 5>"$top/stdin"
    rm "$top/stdin"
}

# killed SIGNAL STATUS SECONDS COMMAND...: at a moment up to then, which may be any from before the first process to
# after the last.
killed() {
    local dir=$top/killed.$checks delay status=0
    delay=$((RANDOM % $3)).$((RANDOM % 10))
    started "$4" "$dir" "${@:5}"
    sleep "$delay"
    if [ "$1" = EOF ]; then exec 5>&-; else kill -s "$1" "$PID"; fi
    wait "$PID" 2>/dev/null || status=$?
    equal "$status" "$2"
    check "$4, and $1 after $delay s: nothing is left" nothing_left_soon
    exec 5>&-
}

# The owner of a running environment is killed, while another has added and restarted something in it.
killed_later() {
    local dir=$top/later status=0
    started hold "$dir" --no-controller-manager --no-aws
    check "hold says when it is ready" soon grep -qs ready "$top/stdout"
    dev_env launch "$dir" operator -- sleep 1000
    dev_env stop "$dir" etcd
    dev_env start "$dir" etcd
    kill -s KILL "$PID"
    wait "$PID" 2>/dev/null || status=$?
    check "kill -9 of hold also ends what was added and restarted" nothing_left_soon
    check "and it cannot be started again" fails dev_env start "$dir" etcd
    exec 5>&-
}

"$DEV/env" build
side_by_side
killed_building
killed_later
killed KILL 137 4 hold
killed TERM 143 5 hold
killed INT 130 4 hold
killed EOF 0 6 hold
killed KILL 137 6 run -- sleep 1000
killed TERM 143 6 run -- sleep 1000
killed KILL 137 2 up
