# shellcheck shell=bash
# The components of an environment: their keys, flags, order, and when each is ready. Sourced by dev/env.

ACCOUNT=111122223333
REGION=us-east-1
EKS_CLUSTER=dev

# reserve_ports DIR: four in a row, below those that the kernel gives out by itself, so that each is free again when
# its component is restarted. DIR/ports holds the first.
reserve_ports() {
    local base owner port
    mkdir -p "$CACHE/ports"
    exec 8>"$CACHE/ports/lock"
    flock 8 # against another environment that starts now
    while :; do
        base=$((20000 + RANDOM % 3000 * 4))
        owner=$(cat "$CACHE/ports/$base" 2>/dev/null || true)
        [ "$(cat "$owner/ports" 2>/dev/null)" != "$base" ] || continue
        for port in 0 1 2 3; do
            ! (: <>"/dev/tcp/127.0.0.1/$((base + port))") 2>/dev/null || continue 2
        done
        break
    done
    echo "$1" >"$CACHE/ports/$base"
    echo "$base" >"$1/ports"
    exec 8>&-
}

# addresses DIR: sets where its components are. Variables, and everywhere here at most one $(...) in a command, because
# bash 5.2 may fail to read a trap when the signal comes while it expands a second one ("unexpected EOF").
addresses() {
    local base id
    base=$(cat "$1/ports")
    id=$(cat "$1/id")
    ETCD=http://127.0.0.1:$base
    ETCD_PEER=http://127.0.0.1:$((base + 1))
    KUBE=https://127.0.0.1:$((base + 2))
    AWS=http://127.0.0.1:$((base + 3))
    ISSUER=https://oidc.eks.$REGION.amazonaws.com/id/$id
}

# Keys for 30 days. ServiceAccount tokens are signed by RSA, so that they are RS256 as on EKS; the rest is elliptic,
# which is quicker to make.
make_keys() { # DIR
    local keys=$1/keys
    printf '[req]\ndistinguished_name=dn\n[dn]\n' >"$keys/openssl.cnf"
    certificate() { # NAME SUBJECT EXTENSION...
        local name=$1 subject=$2 extension extensions=()
        shift 2
        for extension in "$@"; do extensions+=(-addext "$extension"); done
        openssl req -x509 -config "$keys/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
            -subj "$subject" -keyout "$keys/$name.key" -out "$keys/$name.crt" "${extensions[@]}" "${signed[@]}"
    }
    local signed=()
    {
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$keys/serviceaccount.key"
        certificate ca /CN=irsa-operator-dev "basicConstraints=critical,CA:TRUE" "keyUsage=critical,keyCertSign,digitalSignature"
        signed=(-CA "$keys/ca.crt" -CAkey "$keys/ca.key")
        certificate server /CN=kube-apiserver "extendedKeyUsage=serverAuth" \
            "subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
        certificate admin /O=system:masters/CN=admin "extendedKeyUsage=clientAuth"
        certificate kube-controller-manager /CN=system:kube-controller-manager "extendedKeyUsage=clientAuth"
    } 2>>"$1/logs/openssl.log" || die "no keys could be made; see $1/logs/openssl.log"
}

# kubeconfig DIR USER: on standard output.
kubeconfig() {
    local ca crt key
    ca=$(base64 -w0 "$1/keys/ca.crt")
    crt=$(base64 -w0 "$1/keys/$2.crt")
    key=$(base64 -w0 "$1/keys/$2.key")
    cat <<YAML
apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: dev, user: $2}}]
clusters: [{name: dev, cluster: {server: "$KUBE", certificate-authority-data: $ca}}]
users: [{name: $2, user: {client-certificate-data: $crt, client-key-data: $key}}]
YAML
}

# The short election saves a third of a second: there is nobody to elect but itself.
save_etcd() { # DIR
    save "$1" etcd "$1/bin/etcd" --data-dir="$1/data/etcd" --unsafe-no-fsync --log-level=warn \
        --heartbeat-interval=20 --election-timeout=100 \
        --listen-client-urls="$ETCD" --advertise-client-urls="$ETCD" \
        --listen-peer-urls="$ETCD_PEER" --initial-advertise-peer-urls="$ETCD_PEER" --initial-cluster="default=$ETCD_PEER"
}

save_kube_apiserver() { # DIR
    local keys=$1/keys
    # One line for each write, when it is answered: what tests count.
    cat >"$keys/audit-policy.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
YAML
    local older=()
    # An API server of now can be one of before, in what it serves and in what its CEL knows.
    case ${IRSA_KUBE_VERSION:-} in
        '' | "$OLDEST_KUBE") ;; # is itself
        *) older=(--emulated-version="kube=$IRSA_KUBE_VERSION" --min-compatibility-version="kube=$IRSA_KUBE_VERSION") ;;
    esac
    # No endpoint reconciler: it would want a default route.
    save "$1" kube-apiserver "$1/bin/kube-apiserver" "${older[@]}" --etcd-servers="$ETCD" \
        --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="${KUBE##*:}" \
        --endpoint-reconciler-type=none --service-cluster-ip-range=10.0.0.0/24 --allow-privileged=true \
        --authorization-mode=RBAC --client-ca-file="$keys/ca.crt" \
        --tls-cert-file="$keys/server.crt" --tls-private-key-file="$keys/server.key" \
        --service-account-issuer="$ISSUER" --service-account-jwks-uri="$ISSUER/keys" \
        --service-account-key-file="$keys/serviceaccount.key" \
        --service-account-signing-key-file="$keys/serviceaccount.key" \
        --api-audiences=https://kubernetes.default.svc \
        --audit-policy-file="$keys/audit-policy.yaml" --audit-log-path="$1/audit.log" --audit-log-maxsize=2000
}

save_kube_controller_manager() { # DIR
    local IFS=, controllers=(
        namespace-controller garbage-collector-controller serviceaccount-controller serviceaccount-token-controller
        root-ca-certificate-publisher-controller clusterrole-aggregation-controller deployment-controller
        replicaset-controller validatingadmissionpolicy-status-controller endpointslice-controller)
    kubeconfig "$1" kube-controller-manager >"$1/keys/kube-controller-manager.kubeconfig"
    save "$1" kube-controller-manager "$1/bin/kube-controller-manager" \
        --kubeconfig="$1/keys/kube-controller-manager.kubeconfig" --secure-port=0 \
        --leader-elect=false --use-service-account-credentials=true --root-ca-file="$1/keys/ca.crt" \
        --service-account-private-key-file="$1/keys/serviceaccount.key" \
        --controllers="${controllers[*]}"
}

save_aws() { # DIR
    save "$1" aws "$1/bin/irsa-dev-aws" --listen "${AWS#http://}" --strict
}

# fetch DIR URL [curl options]: with the admin's certificate; no proxy is asked for what is on loopback.
fetch() {
    local dir=$1 url=$2
    shift 2
    curl --silent --show-error --fail --noproxy '*' --max-time 5 "$@" \
        --cacert "$dir/keys/ca.crt" --cert "$dir/keys/admin.crt" --key "$dir/keys/admin.key" "$url"
}

# ready DIR NAME: answers as it should. What we know nothing about is ready when it runs.
ready() {
    case $2 in
        etcd) fetch "$1" "$ETCD/health" ;;
        kube-apiserver) fetch "$1" "$KUBE/readyz" ;;
        kube-controller-manager) fetch "$1" "$KUBE/api/v1/namespaces/default/serviceaccounts/default" ;;
        aws) fetch "$1" "$AWS/_admin/health" ;;
        *) running "$1" "$2" ;;
    esac >/dev/null 2>&1
}

# wait_ready DIR NAME: fails with the end of its log when it has ended, or after a minute.
wait_ready() {
    local deadline=$((SECONDS + 60)) why="is not ready after a minute"
    until ready "$1" "$2"; do
        [ ! -e "$1/down" ] || die "$1 is being ended"
        [ -e "$1/pids/$2" ] && ! running "$1" "$2" && why="has ended" && break
        [ $SECONDS -lt $deadline ] || break
        heed_owner
        sleep 0.05
    done
    ready "$1" "$2" && return
    running "$1" "$2" || why="has ended"
    tail -n 15 "$1/logs/$2.log" >&2 || true
    die "$2 $why; its whole log: $1/logs/$2.log"
}

# admit DIR: the account, the EKS cluster and the keys of its issuer in the emulator, which forgets all when it ends.
# Prints the account keys' JSON.
admit() {
    local jwks=$1/keys/jwks.json
    # Kept, as the emulator may be started again while the API server is down.
    [ -s "$jwks" ] || fetch "$1" "$KUBE/openid/v1/jwks" >"$jwks"
    post() { fetch "$1" "$AWS/_admin/$2" --header 'content-type: application/json' --data "$3"; }
    post "$1" clusters "{\"account\":\"$ACCOUNT\",\"region\":\"$REGION\",\"name\":\"$EKS_CLUSTER\",\"issuer\":\"$ISSUER\"}" >/dev/null
    post "$1" issuers "{\"issuer\":\"$ISSUER\",\"jwks\":$(cat "$jwks")}" >/dev/null
    post "$1" accounts "{\"account\":\"$ACCOUNT\"}"
}
