#!/usr/bin/env bash
# Prints the program that one of the small Go modules in dev/ is, built where it is missing.
#
#   dev/lib/go.sh MODULE
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need go "Go 1.26 or newer, to build dev/$1"
cd "$DEV/$1"
mkdir -p "$CACHE/go"
program=$CACHE/go/$1-$({ cat go.mod go.sum ./*.go && go version; } | stamp)
if [ ! -x "$program" ]; then
    say "building dev/$1: not in the cache yet; less than a minute, but 2 for flux and 3 for argocd"
    CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=readonly -buildvcs=false' go build -trimpath -o "$program.$$" .
    mv "$program.$$" "$program"
fi
# As for the control plane: what no run has asked for in a month is nobody's any more.
touch "$program"
find "$CACHE/go" -type f -mtime +30 -delete
echo "$program"
