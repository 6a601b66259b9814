# shellcheck shell=bash
# shellcheck disable=SC2034  # used by who sources it
# Where things are and how the scripts speak. Sourced by each of them.

DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the clone and its target folder: what takes minutes to build is built once for a machine.
CACHE=${IRSA_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/irsa-operator}

# The oldest Kubernetes that is supported, built from its own source (dev/control-plane/oldest). The newest API server
# behaves as those between.
# shellcheck disable=SC2034
OLDEST_KUBE=1.33

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# need COMMAND WHY: fails with a sentence instead of somewhere in the middle.
need() { command -v "$1" >/dev/null || die "needs \`$1\`, $2"; }

# stamp: 16 hex digits that stand for what comes in on stdin.
stamp() { sha256sum | cut -c1-16; }

# minor: the N of the first "v1.N" on stdin.
minor() { sed -n 's/.*v1\.\([0-9][0-9]*\).*/\1/p' | head -n 1; }
