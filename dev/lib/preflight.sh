# shellcheck shell=bash
# preflight: says at once, and all together, which programs of the machine are missing, and what brings them.
# Everything else is built or installed by the scripts. Sourced.

preflight() {
    local line command missing=()
    while read -r line; do
        read -r command _ <<<"$line"
        command -v "$command" >/dev/null || missing+=("  $line")
    done <<'TABLE'
cargo       Rust 1.94 or newer: https://rustup.rs
cc          a C compiler, for a dependency of TLS: Debian's package build-essential
python3     Debian's packages python3 and python3-venv
curl        Debian's package curl
jq          Debian's package jq
openssl     Debian's package openssl
flock       Debian's package util-linux
setsid      Debian's package util-linux
TABLE
    [ -n "${KUBEBUILDER_ASSETS:-}" ] || command -v go >/dev/null ||
        missing+=("  go          Go 1.26 or newer: https://go.dev/dl (or KUBEBUILDER_ASSETS, the folder that setup-envtest fills)")
    if [ ${#missing[@]} -gt 0 ]; then
        say "These programs are needed and missing on this machine:"
        printf '%s\n' "${missing[@]}" >&2
        exit 1
    fi
}
