#!/usr/bin/env bash
# Builds Helm 3 and Helm 4 from their Go modules into the cache folder, as helm3 and helm4, and prints the folder that
# holds them. One that is there already is not built again. Build the control plane before: it shares most of its
# packages with them.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$DEV/helm"

need go "Go 1.26 or newer, to build Helm"
export CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=readonly -buildvcs=false'

go_version=$(go version) || die "this Go cannot build dev/helm: see the line above"
bin=$CACHE/helm/$({ cat go.mod go.sum build.sh && echo "$go_version"; } | stamp)
mkdir -p "$bin"
minor=$(sed -n 's|^\tk8s.io/client-go v0\.\([0-9]*\)\..*|\1|p' go.mod)

build() { # MAJOR TIME
    local module=helm.sh/helm/v$1 version log=$bin/helm$1.log
    version=$(awk -v module="$module" '$1 == module { print $2 }' go.mod)
    say "building Helm $1 from source: not in the cache yet; about $2 on 2 cores"
    # What Helm takes for the cluster's version where it sees none, and its own.
    go build -trimpath -o "$bin/helm$1.new" -ldflags "-s -w -X $module/internal/version.version=$version \
        -X $module/pkg/chartutil.k8sVersionMajor=1 -X $module/pkg/chartutil.k8sVersionMinor=$minor \
        -X $module/pkg/lint/rules.k8sVersionMajor=1 -X $module/pkg/lint/rules.k8sVersionMinor=$minor" \
        "$module/cmd/helm" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "Helm $1 did not build; the whole log: $log"
    }
    mv "$bin/helm$1.new" "$bin/helm$1"
}

exec 8>"$CACHE/helm/lock"
for major in 3 4; do
    [ ! -x "$bin/helm$major" ] || continue
    flock 8
    [ -x "$bin/helm$major" ] || build $major "2 min"
done

# What no run has asked for in a month belongs to versions that nobody uses any more.
touch "$bin"
find "$CACHE/helm" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
echo "$bin"
