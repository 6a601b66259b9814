#!/usr/bin/env bash
# Builds etcd, kube-apiserver and kube-controller-manager from their Go modules into the cache folder,
# and prints the folder that holds them. Those that are there already are not built again.
#
#   dev/control-plane/build.sh [--oldest] [etcd|kube-apiserver|kube-controller-manager]...     (default: all three)
#
# --oldest: of the oldest Kubernetes that is supported, whose module is in oldest/ and has no etcd.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$DEV/control-plane"

script=$PWD/build.sh
if [ "${1:-}" = --oldest ]; then
    cd oldest
    shift
fi
binaries=("$@")
[ $# -gt 0 ] || binaries=(etcd kube-apiserver kube-controller-manager)

need go "Go 1.26 or newer, to build the control plane (or point KUBEBUILDER_ASSETS at the binaries)"
# No workspace or flag of the user's may change what is built. CGO is off, so that no C compiler is needed.
export CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=readonly -buildvcs=false'

go_version=$(go version) || die "this Go cannot build dev/control-plane: see the line above"
bin=$CACHE/control-plane/$({ cat go.mod go.sum "$script" && echo "$go_version"; } | stamp)
mkdir -p "$bin"

# Without these /version answers v0.0.0-master and clients stumble over it.
version=$(sed -n 's|^\tk8s.io/kubernetes \(v[^ ]*\).*|\1|p' go.mod)
ldflags='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    for pair in "gitVersion=$version" gitMajor=1 "gitMinor=$(minor <<<"$version")" gitTreeState=clean gitCommit=unknown; do
        ldflags+=" -X $package.$pair"
    done
done

build() { # BINARY PACKAGE TIME
    local log=$bin/$1.log
    say "building $1 from source: not in the cache yet; about $3 on 2 cores"
    go build -trimpath -ldflags "$ldflags" -o "$bin/$1.new" "$2" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "$1 did not build; the whole log: $log"
    }
    mv "$bin/$1.new" "$bin/$1" # all or nothing, for whoever looks meanwhile
}

exec 8>"$CACHE/control-plane/lock"
for binary in "${binaries[@]}"; do
    [ ! -x "$bin/$binary" ] || continue
    # One at a time, over all clones of this machine: each link takes 2 GiB.
    flock --nonblock 8 || {
        say "waiting: another build of the control plane is running"
        flock 8
    }
    [ ! -x "$bin/$binary" ] || continue
    case $binary in
        etcd) build etcd go.etcd.io/etcd/server/v3 "2 min" ;;
        kube-apiserver) build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "7 min" ;;
        kube-controller-manager) build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager "3 min" ;;
        *) die "no such binary: $binary" ;;
    esac
done

# What no run has asked for in a month belongs to versions that nobody uses any more.
touch "$bin"
find "$CACHE/control-plane" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
echo "$bin"
