#!/usr/bin/env bash
# Tests of charts/irsa-operator and config/ that need no cluster: what is rendered, what is refused, and that the two are
# the same. `--update` writes what is generated from the chart, to be looked at and committed.
set -euo pipefail
DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

helm=$("$DEV/helm/build.sh")
venv=$("$DEV/lib/tools.sh")
operator=${CARGO_TARGET_DIR:-$DEV/../target}/debug/irsa-operator
[ -x "$operator" ] || cargo build --locked --manifest-path "$DEV/../Cargo.toml"
kinds=$("$DEV/lib/go.sh" kinds)
exec "$venv/bin/python" "$DEV/tests/chart.py" "$helm/helm3" "$helm/helm4" "$venv/bin/kubectl" "$operator" "$kinds" "$@"
