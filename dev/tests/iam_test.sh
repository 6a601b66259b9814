#!/usr/bin/env bash
# What config/iam has for Terraform and CloudFormation is what `irsa-operator iam-policy` prints.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

venv=$("$DEV/lib/tools.sh")
operator=$(realpath "${CARGO_TARGET_DIR:-$DEV/../target}")/debug/irsa-operator
[ -x "$operator" ] || cargo build --locked --manifest-path "$DEV/../Cargo.toml"
need go "Go 1.26 or newer, to build what reads Terraform's language"
mkdir -p "$CACHE/hcl"
cd "$DEV/hcl"
hcl=$CACHE/hcl/$({ cat go.mod go.sum main.go && go version; } | stamp)
if [ ! -x "$hcl" ]; then
    CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=readonly -buildvcs=false' go build -trimpath -o "$hcl.new" .
    mv "$hcl.new" "$hcl"
fi
find "$CACHE/hcl" -type f -mtime +30 -delete
exec "$venv/bin/python" "$DEV/tests/iam.py" "$hcl" "$operator"
