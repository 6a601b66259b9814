#!/usr/bin/env bash
# Makes everything that an environment runs and links it into a folder:
# the control plane, kubectl, the AWS CLI and the AWS emulator. Quiet where nothing is to be done.
#
#   dev/lib/build.sh FOLDER [--no-controller-manager] [--no-aws]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

into=$1 controller_manager=yes aws=yes
shift
for option in "$@"; do
    case $option in
        --no-controller-manager) controller_manager=no ;;
        --no-aws) aws=no ;;
        *) die "unknown option: $option" ;;
    esac
done
mkdir -p "$CACHE" "$into"

# The binaries of setup-envtest where the user has them; it brings no controller-manager.
control_plane() {
    local build=() built name
    if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
        for name in etcd kube-apiserver; do
            [ -x "$KUBEBUILDER_ASSETS/$name" ] || die "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, which has no $name"
            ln -sfn "$(realpath "$KUBEBUILDER_ASSETS/$name")" "$into/$name"
        done
    else
        build=(etcd kube-apiserver)
    fi
    [ "$controller_manager" = no ] || build+=(kube-controller-manager)
    [ ${#build[@]} -gt 0 ] || return 0
    built=$("$DEV/control-plane/build.sh" "${build[@]}")
    for name in "${build[@]}"; do ln -sfn "$built/$name" "$into/$name"; done
    [ "${IRSA_KUBE_VERSION:-}" = "$OLDEST_KUBE" ] || return 0
    build=(kube-apiserver)
    [ "$controller_manager" = no ] || build+=(kube-controller-manager)
    built=$("$DEV/control-plane/build.sh" --oldest "${build[@]}")
    for name in "${build[@]}"; do ln -sfn "$built/$name" "$into/$name"; done
}

# kubectl supports servers one minor version older or newer than itself, so one on the PATH is taken only if it fits.
kubectl() {
    local server mine found
    server=$("$into/kube-apiserver" --version | minor)
    if [ -x "${KUBEBUILDER_ASSETS:-/nowhere}/kubectl" ]; then
        found=$(realpath "$KUBEBUILDER_ASSETS/kubectl")
    elif found=$(type -P kubectl) && mine=$("$found" version --client 2>/dev/null | minor) &&
        [ -n "$mine" ] && [ $((mine - server)) -ge -1 ] && [ $((mine - server)) -le 1 ]; then
        found=$(realpath "$found")
    else
        found=$venv/bin/kubectl
    fi
    ln -sfn "$found" "$into/kubectl"
}

# Kept by what it was built from, so that two clones of the repository do not build it in turn.
emulator() {
    need cargo "Rust, to build the AWS emulator"
    local target=$CACHE/aws-target log=$CACHE/aws-build.log binary
    binary=$CACHE/aws/$(emulator_sum)
    if [ ! -x "$binary" ]; then
        exec 8>"$CACHE/aws-build.lock" # so that nobody copies it while somebody else builds it
        flock --nonblock 8 || {
            say "waiting: another build of the AWS emulator is running"
            flock 8
        }
        say "building the AWS emulator from source; about 2 min on 2 cores where nothing of it is there yet"
        env -u CARGO_BUILD_TARGET -u RUSTFLAGS CARGO_TARGET_DIR="$target" \
            cargo build --release --locked --manifest-path "$DEV/aws/Cargo.toml" >"$log" 2>&1 8>&- || {
            tail -n 30 "$log" >&2
            die "the AWS emulator did not build; the whole log: $log"
        }
        mkdir -p "$CACHE/aws"
        find "$CACHE/aws" -type f -mtime +30 -delete
        cp --reflink=auto "$target/release/irsa-dev-aws" "$binary.new"
        mv "$binary.new" "$binary"
        exec 8>&-
    fi
    # A copy, not a link: a running environment keeps the one that it was started with, also for a restart.
    cp --reflink=auto "$binary" "$into/irsa-dev-aws.new"
    mv "$into/irsa-dev-aws.new" "$into/irsa-dev-aws"
}

# What decides of it: its source, and the compiler.
emulator_sum() {
    local sources
    mapfile -t sources < <(find "$DEV/aws/src" -type f | sort)
    (cd "$DEV/aws" && { rustc --version && cat Cargo.toml Cargo.lock "${sources[@]}"; } | sha256sum | cut -c1-16)
}

control_plane
venv=$("$DEV/lib/tools.sh")
kubectl
ln -sfn "$venv/bin/aws" "$into/aws"
[ "$aws" = no ] || emulator
