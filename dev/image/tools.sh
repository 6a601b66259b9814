# shellcheck shell=bash
# buildah and skopeo, which need no daemon, and the certificates of public CAs. Sourced, after lib/common.sh.

image_tools() {
    local name missing=()
    for name in buildah skopeo; do command -v "$name" >/dev/null || missing+=("$name"); done
    [ -s /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "needs ${missing[*]}; Debian and Ubuntu have them as packages"
    fi
    say "installing ${missing[*]}: Debian's packages; about 20 s"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$CACHE/image-tools.log" 2>&1 || {
        tail -n 20 "$CACHE/image-tools.log" >&2
        die "could not install ${missing[*]}"
    }
}

# buildah_ ARG...: keeps to the folder $STORE, and needs nothing of the kernel that a container itself has not.
buildah_() { buildah --root "$STORE/root" --runroot "$STORE/run" --storage-driver vfs "$@"; }
