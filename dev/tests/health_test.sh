#!/usr/bin/env bash
# What kstatus, Flux by its expressions, and Argo CD make of every state that a binding or a class can be in, as the
# operator's own code writes it.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$DEV/.."

health=$("$DEV/lib/go.sh" health)
states=$(mktemp)
trap 'rm -f "$states"' EXIT
IRSA_STATES=$states cargo test --locked --quiet --lib status::tests::states >/dev/null
# Else the test that writes them has another name by now.
[ -s "$states" ] || die "no state was written"
"$health" config/argocd/argocd-cm.yaml config/flux/cluster/irsa.yaml <"$states"
