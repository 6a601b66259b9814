#!/usr/bin/env bash
# Prints a bill of materials (CycloneDX) of the program for a target: the crates that are linked into it, from
# Cargo.lock, and the C library. It is the same each time.
#
#   dev/image/sbom.sh TARGET
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$DEV/.."

libc=$(getconf GNU_LIBC_VERSION)
metadata=$(mktemp)
trap 'rm -f "$metadata"' EXIT
cargo metadata --locked --format-version 1 --filter-platform "$1" >"$metadata"
# What is linked, without what only builds or tests.
cargo tree --locked --target "$1" --edges normal,no-proc-macro --prefix none --format '{p}' | sed 's/ (.*//' | LC_ALL=C sort -u |
    jq -R . | jq -s --arg libc "${libc#glibc }" --slurpfile metadata "$metadata" '
    ($metadata[0].packages | map({key: "\(.name) v\(.version)", value: .}) | from_entries) as $packages
    | def crate: $packages[.] | {type: "library", name, version, purl: "pkg:cargo/\(.name)@\(.version)",
        licenses: [if .license then {expression: (.license | gsub("/"; " OR "))} else empty end]};
    (map(select(startswith("irsa-operator ")))[0] | crate | .type = "application" | .purl = null | del(.purl)) as $self
    | {bomFormat: "CycloneDX", specVersion: "1.5", version: 1, metadata: {component: $self},
       components: ([.[] | select(startswith("irsa-operator ") | not) | crate]
         + [{type: "library", name: "glibc", version: $libc, purl: "pkg:generic/glibc@\($libc)",
             licenses: [{expression: "LGPL-2.1-or-later"}]}])}'
