#!/usr/bin/env bash
# What config/iam has for Terraform and CloudFormation is what `irsa-operator iam-policy` prints, and the docs' examples in
# Terraform's language fit module and chart.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

venv=$("$DEV/lib/tools.sh")
operator=$(realpath "${CARGO_TARGET_DIR:-$DEV/../target}")/debug/irsa-operator
[ -x "$operator" ] || cargo build --locked --manifest-path "$DEV/../Cargo.toml"
hcl=$("$DEV/lib/go.sh" hcl)
helm=$("$DEV/helm/build.sh")
exec "$venv/bin/python" "$DEV/tests/iam.py" "$hcl" "$operator" "$helm/helm4"
