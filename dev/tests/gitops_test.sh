#!/usr/bin/env bash
# What docs/gitops.md says: the examples on a real API server, with the operator beside it, synced by Argo CD's own engine
# and by Flux's. What is around them is looked through.
set -euo pipefail
DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../lib/common.sh
. "$DEV/lib/common.sh"
cd "$DEV/.."

if [ "${1:-}" != inside ]; then
    helm=$("$DEV/helm/build.sh")
    health=$("$DEV/lib/go.sh" health)
    argocd=$("$DEV/lib/go.sh" argocd)
    flux=$("$DEV/lib/go.sh" flux)
    top=$(mktemp -d)
    "$DEV/env" run "$top/env" -- "$0" inside "$helm/helm4" "$health" "$argocd" "$flux" || die "FAILED; what it left: $top"
    rm -rf "$top"
    exit
fi

setup() {
    # shellcheck source=../lib/tell.sh
    . "$DEV/lib/tell.sh"
    # shellcheck source=../lib/operator.sh
    . "$DEV/lib/operator.sh"
    build_operator
    install_operator
    give_kubernetes_identity
    give_aws_identity
    # The boundary that the examples' class names.
    aws iam create-policy --policy-name irsa-boundary --policy-document \
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' >/dev/null
    launch_operator --resync 3s --settle 3s --leader-elect=false
}
python=$("$DEV/lib/tools.sh")/bin/python
"$python" "$DEV/tests/gitops.py" "${@:2}" first
(setup) >"$IRSA_ENV_DIR/setup" 2>&1 || {
    cat "$IRSA_ENV_DIR/setup"
    exit 1
}
exec "$python" "$DEV/tests/gitops.py" "${@:2}"
