# shellcheck shell=bash
# Processes of an environment: started so that they are known, ended so that none is left. Sourced by dev/env.
#
# DIR/cmd/NAME    what is run, a script
# DIR/pids/NAME   "PID START": the process and when it was started (field 22 of /proc/PID/stat), because a pid
#                 alone may since be somebody else's. Whoever starts a process of their own for the environment
#                 writes such a file (or uses `dev/env launch`), and it is ended with the rest.
# DIR/down        is there from the moment that the environment is being ended

# lives PID: sets STATE and START. The name before them may hold anything, so count from its end.
lives() {
    local stat fields
    [[ $1 =~ ^[1-9][0-9]+$ ]] && stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }"
    STATE=${fields[0]} START=${fields[19]}
}

# alive PID START: runs, and is the one that was started then. A zombie is dead: nobody may be there to reap it.
alive() { lives "$1" && [ "$START" = "$2" ] && [[ $STATE != [ZX] ]]; }

# running DIR NAME
running() {
    local pid start
    read -r pid start 2>/dev/null <"$1/pids/$2" && alive "$pid" "$start"
}

# save DIR NAME COMMAND...: what launch and a later restart run.
save() {
    local file=$1/cmd/$2
    shift 2
    {
        echo '#!/usr/bin/env bash'
        printf 'exec %q' "$1"
        shift
        [ $# -eq 0 ] || printf ' \\\n    %q' "$@"
        echo
    } >"$file"
    chmod +x "$file"
}

# launch DIR NAME: runs DIR/cmd/NAME in the background and in a session of its own, so that no terminal's Ctrl-C
# reaches it and all that it starts can be ended with it. $! is its pid.
# It registers itself before it asks whether the environment is being ended, and who ends it says so before looking
# for pids: so however the two meet, it is either seen or never begins.
# Not handed on: 8, a lock, and 9, the line to the guard. Ctrl-C, which bash turns off for what is in the background,
# is turned on again.
launch() {
    # shellcheck disable=SC2016
    setsid env --default-signal bash -c '
        stat=$(cat /proc/$$/stat) && read -ra fields <<<"${stat##*) }"
        echo "$$ ${fields[19]}" >"$0/pids/.$1" && mv "$0/pids/.$1" "$0/pids/$1"
        [ ! -e "$0/down" ] || exit 143
        exec "$0/cmd/$1"' "$1" "$2" 8>&- 9>&- <&0 &
}

# launch_logged DIR NAME: the same, with DIR/logs/NAME.log.
launch_logged() { launch "$1" "$2" </dev/null >>"$1/logs/$2.log" 2>&1; }

signal() { kill -s "$2" -- "-$1" 2>/dev/null || kill -s "$2" "$1" 2>/dev/null || true; }

# end DIR NAME [SIGNAL]: ends it and all of its process group; by TERM where nothing is said, and by force after 5 s.
# Our own components by force at once: they hold nothing that a kill loses, and an API server that is asked nicely waits
# for its watchers to leave.
end() {
    local file=$1/pids/$2 signal=${3:-TERM} pid start tries
    read -r pid start 2>/dev/null <"$file" || return 0
    if [ $# -lt 3 ] && [[ $2 =~ ^(etcd|kube-.*|aws)$ ]]; then signal=KILL; fi
    if alive "$pid" "$start"; then
        signal "$pid" "$signal"
        signal "$pid" CONT # a stopped one would never hear of it
        for ((tries = 0; tries < 100; tries++)); do
            alive "$pid" "$start" || break
            sleep 0.05
        done
        if alive "$pid" "$start"; then
            say "$2 did not end within 5 s of SIG$signal: killed"
            signal "$pid" KILL
            while alive "$pid" "$start"; do sleep 0.05; done
        fi
    fi
    # The first of its threads is a zombie while others may still end, and hold its ports until they have.
    while lives "$pid" && [ "$START" = "$start" ] && set -- /proc/"$pid"/task/* && [ $# -gt 1 ]; do sleep 0.01; done
    # What it left in its group. While one lives there, the kernel gives the pid to nobody else.
    if ! lives "$pid" || [ "$START" = "$start" ]; then
        [[ ! $pid =~ ^[1-9][0-9]+$ ]] || kill -s KILL -- "-$pid" 2>/dev/null || true
    fi
    rm -f "$file"
}

# end_all DIR: the newest first, but before them what runs on top of the environment and would take their end ill.
end_all() {
    local name names
    : >"$1/down"
    for name in run build; do end "$1" "$name"; done
    # Again, until none is left: one may have registered itself meanwhile.
    while names=$(find "$1/pids" -type f ! -name '.*' -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2-) && [ -n "$names" ]; do
        for name in $names; do end "$1" "$name"; done
    done
}

# guard DIR: from here on, however this shell ends, kill -9 included, the environment is ended. A process in a
# session of its own waits for the end of a pipe whose other end only this shell holds.
guard() {
    exec 9> >(exec setsid "$DEV/env" guard "$1" "$(cat "$1/id")" >>"$1/logs/guard.log" 2>&1)
    GUARD=$!
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    trap unguard EXIT
}

# unguard [keep]: lets the guard end the environment, or leave it running, and waits until it is done.
unguard() {
    local status=$?
    trap '' INT TERM HUP PIPE # it takes some seconds at most
    trap - EXIT
    [ "${1:-}" != keep ] || echo keep >&9
    exec 9>&-
    wait "$GUARD" || say "dev/env: the guard of the environment was killed"
    return "$status"
}
