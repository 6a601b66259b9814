#!/usr/bin/env bash
# Builds the operator's image for this machine's architecture, as an OCI archive, and prints its path. No daemon is
# needed, and nothing is pulled but BASE, where that is another than scratch.
#
#   dev/image/build.sh [--binary-only]      into dist/: ARCH/irsa-operator, ARCH/irsa-operator.cdx.json,
#                                           irsa-operator-ARCH.tar
#   dev/image/build.sh --pack ARCH          packs what is in dist/ARCH already, from another machine
#
# IRSA_IMAGE_BASE is the base image, IRSA_IMAGE_PROFILE cargo's profile (release).
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
# shellcheck source=tools.sh
. "$DEV/image/tools.sh"
cd "$DEV/.."

case $(uname -m) in
    x86_64) arch=amd64 target=x86_64-unknown-linux-gnu ;;
    aarch64) arch=arm64 target=aarch64-unknown-linux-gnu ;;
    *) die "no image is made for $(uname -m)" ;;
esac
dist=${IRSA_IMAGE_DIST:-$PWD/dist}

# Static, so that it runs on scratch; with glibc, whose memory is what docs/performance.md has measured. A target is named
# because the flag must not reach procedural macros.
binary() {
    local profile=${IRSA_IMAGE_PROFILE:-release}
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --bin irsa-operator --profile "$profile" --target "$target" >&2
    mkdir -p "$dist/$arch"
    cp "${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}/irsa-operator" "$dist/$arch/"
    "$DEV/image/sbom.sh" "$target" >"$dist/$arch/irsa-operator.cdx.json"
}

pack() { # ARCH
    local version archive=$dist/irsa-operator-$1.tar
    image_tools
    STORE=${IRSA_IMAGE_STORE:-$(mktemp -d)}
    [ -n "${IRSA_IMAGE_STORE:-}" ] || trap 'rm -rf "$STORE"' EXIT
    cp /etc/ssl/certs/ca-certificates.crt "$dist/"
    chmod 755 "$dist/$1/irsa-operator"
    chmod 644 "$dist/ca-certificates.crt" "$dist/$1/irsa-operator.cdx.json"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    # One layer and no times, so that the same files are the same image.
    buildah_ bud --quiet --isolation chroot --format oci --timestamp 0 --platform "linux/$1" --build-arg "BASE=${IRSA_IMAGE_BASE:-scratch}" \
        --build-arg "VERSION=$version" --build-arg "REVISION=${GITHUB_SHA:-$(git rev-parse HEAD)}" \
        --tag "localhost/irsa-operator:$1" --file Containerfile "$dist" >&2
    rm -f "$archive"
    buildah_ push --quiet "localhost/irsa-operator:$1" "oci-archive:$archive:$version" >&2
    echo "$archive"
}

case ${1:-} in
    '')
        binary
        pack "$arch"
        ;;
    --binary-only) binary ;;
    --pack) pack "$2" ;;
    *) die "unknown option: $1" ;;
esac
