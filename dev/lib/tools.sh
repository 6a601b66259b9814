#!/usr/bin/env bash
# Prints the folder of a virtual environment of exactly dev/requirements.txt for this Python, made where it is missing.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need python3 "with its venv module, for kubectl, the AWS CLI and shellcheck"
venv=$CACHE/tools/$({ cat "$DEV/requirements.txt" && python3 -VV; } | stamp)
# The Python it was made with may be gone since.
complete() { [ -e "$venv/complete" ] && "$venv/bin/python" -c ''; }
if ! complete; then
    mkdir -p "$CACHE/tools"
    exec 8>"$CACHE/tools/lock"
    flock 8
    if ! complete; then
        say "installing kubectl, the AWS CLI and shellcheck: not in the cache yet; about 20 s"
        rm -rf "$venv"
        { python3 -m venv "$venv" && "$venv/bin/pip" install --only-binary :all: --no-deps -r "$DEV/requirements.txt"; } \
            >"$CACHE/tools/log" 2>&1 || {
            tail -n 20 "$CACHE/tools/log" >&2
            die "the Python packages of dev/requirements.txt could not be installed (Debian has venv in its package python3-venv)"
        }
        touch "$venv/complete"
    fi
fi
# As for the control plane: what no run has asked for in a month is nobody's any more.
touch "$venv"
find "$CACHE/tools" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
echo "$venv"
