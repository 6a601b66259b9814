#!/usr/bin/env bash
# Older Kubernetes: the newest API server behaves as each of them, in what it serves and in what its CEL knows; the oldest is
# its own API server and controller-manager. The schema's rules, the admission policies and the life of a binding are tried.
#
#   dev/tests/versions_test.sh [VERSION]...      by default 1.33 to 1.36; what else is tested is the newest
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$DEV/.."

[ $# -gt 0 ] || set -- "$OLDEST_KUBE" 1.34 1.35 1.36
for version in "$@"; do
    export IRSA_KUBE_VERSION=$version
    top=$(mktemp -d)
    serves=$("$DEV/env" run "$top" --no-aws -- kubectl get --raw /version | jq -r '"\(.emulationMajor // .major).\(.emulationMinor // .minor)"')
    rm -rf "$top"
    [ "$serves" = "$version" ] || die "the API server is $serves, or behaves so, and not as $version"
    # What Kubernetes itself decides, and that a binding lives; all else is as on the newest.
    cargo test --locked --test e2e -- definitions:: guardrails::admission create:: delete::
    dev/tests/docs_test.sh docs/first-binding.md
    echo "ok: Kubernetes $version"
done
