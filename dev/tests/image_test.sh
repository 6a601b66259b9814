#!/usr/bin/env bash
# The operator's image, built from nothing and started without a container daemon: what is in it, that the same files make
# the same image, and that it works as the operator of an environment. Takes as long as the compiler does, and 40 s.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
# shellcheck source=../image/tools.sh
. "$DEV/image/tools.sh"

if [ "${1:-}" != inside ]; then
    image_tools
    [ "$(id -u)" = 0 ] || die "needs root, to start the image without a daemon"
    top=$(mktemp -d)
    if IRSA_IMAGE_STORE=$top/store "$DEV/env" run "$top/env" -- "$0" inside "$top"; then
        rm -rf "$top"
        exit
    fi
    die "FAILED; what it left: $top"
fi

top=$2 checks=0
export STORE=$IRSA_IMAGE_STORE IRSA_IMAGE_DIST=$top/dist
case $(uname -m) in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac

fail() {
    say "FAILED: $*"
    exit 1
}

# check SENTENCE COMMAND...
check() {
    "${@:2}" >"$top/said" 2>&1 || fail "$1: $(cat "$top/said")"
    checks=$((checks + 1))
    echo "ok: $1"
}

equal() { [ "$1" = "$2" ] || fail "'$1' is not '$2'"; }

archive=$("$DEV/image/build.sh")
config=$(skopeo inspect --config "oci-archive:$archive")
digest() { skopeo inspect "oci-archive:$1" | jq -r .Digest; }
first=$(digest "$archive")
rm -rf "$STORE"
"$DEV/image/build.sh" --pack "$arch" >/dev/null
check 'the same files are the same image' equal "$(digest "$archive")" "$first"
check 'it is of this architecture' equal "$(jq -r .architecture <<<"$config")" "$arch"
check 'nobody of importance runs it' equal "$(jq -r .config.User <<<"$config")" 65532:65532
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$DEV/../Cargo.toml" | head -n 1)
check 'its labels tell version and licence' equal \
    "$(jq -r '.config.Labels | "\(.["org.opencontainers.image.version"]) \(.["org.opencontainers.image.licenses"])"' <<<"$config")" "$version Apache-2.0"

# The other architecture's program can't be built here. What is packed and how the two become one can be tried without it.
other=$([ $arch = amd64 ] && echo arm64 || echo amd64)
cp -r "$IRSA_IMAGE_DIST/$arch" "$IRSA_IMAGE_DIST/$other"
both=$("$DEV/image/build.sh" --pack "$other")
buildah_ manifest create both >/dev/null
for each in "$archive" "$both"; do buildah_ manifest add both "oci-archive:$each" >/dev/null; done
buildah_ manifest push --quiet --all both "oci:$top/both:both" >/dev/null
check 'two architectures become one name' equal 'amd64 arm64' \
    "$(skopeo inspect --raw "oci:$top/both:both" | jq -r '[.manifests[].platform.architecture] | sort | join(" ")')"

container=$(buildah_ from --pull-never "localhost/irsa-operator:$arch" 2>/dev/null)
root=$(buildah_ mount "$container")
check 'three files are in it, and no shell' equal "$(cd "$root" && find . -type f -size +0 | LC_ALL=C sort | tr '\n' ' ')" \
    './etc/ssl/certs/ca-certificates.crt ./irsa-operator ./usr/share/sbom/irsa-operator.cdx.json '
check 'they are nobody'"'"'s to write' equal "$(find "$root" -type f -size +0 -perm /022)" ''
check 'it has certificates of public CAs' [ "$(grep -c BEGIN "$root/etc/ssl/certs/ca-certificates.crt")" -gt 100 ]
# shellcheck disable=SC2016 # jq's own
check 'its bill of materials names what is linked' jq -e --arg version "$version" '.metadata.component.version == $version
    and ([.components[].name] | contains(["kube-client", "aws-sdk-iam", "glibc"])) and ([.components[].name] | contains(["proptest"]) | not)' \
    "$root/usr/share/sbom/irsa-operator.cdx.json"
cp -r "$root" "$top/root" # as it is, but for an /etc/resolv.conf
check 'it finds a host by DNS' unshare --net "$DEV/tests/resolve.sh" "$top/root"
in_image() { buildah_ run --isolation chroot "$@"; }
check 'it tells its version from within' equal "$(in_image "$container" -- /irsa-operator --version)" "irsa-operator $version"

# As the operator of this environment: its API server by https and AWS by http, as a user that owns nothing.
kubectl apply -k "$DEV/../config/default" >/dev/null
kubectl wait --for=condition=Established --timeout=30s crd --all >/dev/null
kubectl config view --raw --minify -o json | jq --arg token "$(kubectl -n irsa-operator create token irsa-operator)" \
    '.users[0].user = {token: $token}' >"$top/kubeconfig"
chmod 644 "$top/kubeconfig"
# By name, so that the static program's resolver is asked, too.
port=$((20000 + RANDOM % 5000))
"$DEV/env" launch "$IRSA_ENV_DIR" image -- buildah --root "$STORE/root" --runroot "$STORE/run" --storage-driver vfs run --isolation chroot \
    --volume "$top/kubeconfig:/kubeconfig:ro" --env KUBECONFIG=/kubeconfig --env "AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL/127.0.0.1/localhost}" \
    --env AWS_REGION="$AWS_REGION" --env AWS_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" --env AWS_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY" \
    --env POD_NAMESPACE=irsa-operator --env IRSA_CLUSTER_ID=image --env "IRSA_EKS_CLUSTER=$IRSA_EKS_CLUSTER" --env "IRSA_LISTEN=127.0.0.1:$port" \
    "$container" -- /irsa-operator run
kubectl apply -f "$DEV/../config/samples/1-class.yaml" >/dev/null
check 'started in it, the operator makes a class Ready' kubectl wait --for=condition=Ready irsaclass/default --timeout=60s
check 'and is ready itself' curl -sf --noproxy '*' "http://127.0.0.1:$port/readyz"
pid=$(pgrep -f '^/irsa-operator run$' | head -n 1 || true)
check 'as nobody' equal "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" 65532
"$DEV/env" stop "$IRSA_ENV_DIR" image KILL
echo "image: $checks passed, 0 failed; $(stat -c %s "$archive" | awk '{ printf "%.1f MiB", $1 / 1048576 }')"
