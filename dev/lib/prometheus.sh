#!/usr/bin/env bash
# Prints the folder of prometheus and promtool: the machine's own, or else Debian's package, unpacked into the cache folder
# and not installed. Which version is the distribution's word; apt proves that it is what was signed.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if command -v prometheus >/dev/null && found=$(command -v promtool); then
    dirname "$(realpath "$found")"
    exit
fi
bin=$CACHE/prometheus/usr/bin
if [ ! -x "$bin/promtool" ]; then
    command -v apt-get >/dev/null || die "needs prometheus and promtool; Debian's package prometheus brings both"
    say "unpacking Debian's package prometheus: not in the cache yet; about 10 s"
    mkdir -p "$CACHE"
    exec 8>"$CACHE/prometheus.lock"
    flock 8
    [ ! -x "$bin/promtool" ] || { echo "$bin" && exit; }
    work=$(mktemp -d "$CACHE/prometheus.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # As whoever this is, and not as apt's own user, who can't write here.
    download() { (cd "$work" && apt-get -o APT::Sandbox::User="$(id -un)" download prometheus); }
    # Where nobody has asked for the lists yet; without root they have to be there.
    { download || { apt-get update && download; }; } >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        die "could not download Debian's package prometheus"
    }
    dpkg-deb --extract "$work"/prometheus_*.deb "$work/root"
    rm -rf "$CACHE/prometheus"
    mv "$work/root" "$CACHE/prometheus"
fi
echo "$bin"
