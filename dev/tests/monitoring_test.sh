#!/usr/bin/env bash
# Dashboard, alerts and runbooks against what the operator really says: two replicas on a real API server and the AWS
# emulator, with something of everything that is to be seen, scraped by Prometheus. Takes about a minute.
#
#   dev/tests/monitoring_test.sh [--picture]     --picture also draws docs/images/dashboard.svg, after three minutes more
set -euo pipefail
DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ "${1:-}" != inside ]; then
    prometheus=$("$DEV/lib/prometheus.sh")
    operator=$(realpath "${CARGO_TARGET_DIR:-$DEV/../target}")/debug/irsa-operator
    [ -x "$operator" ] || cargo build --locked --manifest-path "$DEV/../Cargo.toml"
    top=$(mktemp -d)
    if ! "$DEV/env" run "$top/env" -- "$0" inside "$prometheus" "$operator" "${1:-}"; then
        echo "monitoring: FAILED; what it left: $top" >&2
        exit 1
    fi
    rm -rf "$top"
    exit
fi

prometheus=$2 operator=$3 picture=$4 checks=0
venv=$("$DEV/lib/tools.sh")
NS=irsa-operator
work=$IRSA_ENV_DIR/monitoring
mkdir "$work"
PATH=$(dirname "$operator"):$PATH

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$IRSA_ENV_DIR"/logs/operator*.log >&2 || true
    exit 1
}
check() { # SENTENCE COMMAND...
    "${@:2}" >"$work/said" 2>&1 || fail "$1: $(cat "$work/said")"
    checks=$((checks + 1))
    echo "ok: $1"
}
soon() { # COMMAND...: within 30 s
    local deadline=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}
free_port() {
    local port
    while port=$((25000 + RANDOM % 5000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}
admin() { curl --silent --show-error --fail --noproxy '*' "$AWS_ENDPOINT_URL/_admin/$1" "${@:2}"; }

# replica NAME: as the operator's own ServiceAccount and role. An account's rate is what keeps calls waiting.
replica() {
    port=$(free_port)
    targets+=("127.0.0.1:$port")
    "$DEV/env" launch "$IRSA_ENV_DIR" "$1" -- env -u IRSA_ISSUER -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
        KUBECONFIG="$work/kubeconfig" AWS_SHARED_CREDENTIALS_FILE="$work/aws" IRSA_AWS_MIN_RATE=20 IRSA_AWS_MAX_RATE=50 \
        "$operator" run --cluster-id demo --eks-cluster "$IRSA_EKS_CLUSTER" --leader-elect-namespace $NS \
        --listen "127.0.0.1:$port" --resync 2s --settle 3s
    soon curl -sf --noproxy '*' -o /dev/null "http://127.0.0.1:$port/metrics"
}

binding() { # NAME POLICIES
    kubectl -n shop create serviceaccount "$1" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
    kubectl apply -f - >/dev/null <<YAML
apiVersion: irsa-operator.io/v1alpha1
kind: IrsaBinding
metadata: {name: $1, namespace: shop}
spec: {serviceAccount: {name: $1}, policies: $2}
YAML
}
ready() { kubectl -n shop wait --for=condition=Ready "irsabinding/$1" --timeout=30s; }
says() { # BINDING TYPE REASON
    [ "$(kubectl -n shop get irsabinding "$1" -o json | jq -r --arg type "$2" '.status.conditions[]? | select(.type == $type).reason')" = "$3" ]
}
corrected() { [ "$(aws iam list-attached-role-policies --role-name demo_shop_app-1 --query 'length(AttachedPolicies)')" = 1 ]; }
orphaned() { [ "$(kubectl get irsaclass default -o jsonpath='{.status.orphans.count}')" = 1 ]; }
lists() { aws iam list-roles >/dev/null; }

kubectl apply -k "$DEV/../config/default" >/dev/null
kubectl wait --for=condition=Established crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io >/dev/null
kubectl config view --raw --minify -o json | jq --arg token "$(kubectl create token irsa-operator -n $NS --duration 2h)" \
    '.users[0].user = {token: $token}' >"$work/kubeconfig"
aws iam create-role --role-name irsa-operator --assume-role-policy-document "{\"Version\": \"2012-10-17\", \"Statement\": [
    {\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"AWS\": \"arn:aws:iam::$IRSA_AWS_ACCOUNT:root\"}}]}" >/dev/null
"$operator" iam-policy --cluster-id demo --account "$IRSA_AWS_ACCOUNT" --issuer "$IRSA_ISSUER" \
    --eks-cluster "$AWS_REGION/$IRSA_EKS_CLUSTER" >"$work/policy.json"
aws iam put-role-policy --role-name irsa-operator --policy-name irsa-operator --policy-document "file://$work/policy.json"
assume() {
    aws sts assume-role --role-arn "arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa-operator" --role-session-name irsa-operator \
        --output json >"$work/session" 2>/dev/null
}
soon assume
jq -r '.Credentials | "[default]\naws_access_key_id = \(.AccessKeyId)\naws_secret_access_key = \(.SecretAccessKey)\naws_session_token = \(.SessionToken)"' \
    "$work/session" >"$work/aws"

targets=()
replica operator-1
replica operator-2
listen=127.0.0.1:$(free_port)
cp "$DEV/../charts/irsa-operator/files/alerts.yaml" "$work/"
cat >"$work/prometheus.yaml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 1s, external_labels: {cluster: demo}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: irsa-operator
    static_configs: [{targets: [$(IFS=,; echo "${targets[*]}")], labels: {namespace: $NS}}]
YAML
"$DEV/env" launch "$IRSA_ENV_DIR" prometheus -- "$prometheus/prometheus" --config.file="$work/prometheus.yaml" \
    --storage.tsdb.path="$work/data" --web.listen-address="$listen"
check 'Prometheus runs' soon curl -sf --noproxy '*' "http://$listen/-/ready"

# Something of everything.
kubectl create namespace shop >/dev/null
kubectl apply -f "$DEV/../config/samples/1-class.yaml" >/dev/null
for number in 1 2 3 4 5 6; do binding "app-$number" '{managed: ["aws:AmazonSQSReadOnlyAccess"]}'; done
for number in 1 2 3 4 5 6; do check "binding app-$number is Ready" ready "app-$number"; done
binding typo '{managed: ["account:shop/nowhere"]}'
check 'a binding is not Ready' soon says typo Ready NotFound
aws iam detach-role-policy --role-name demo_shop_app-1 --policy-arn arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess
check 'drift is put right' soon corrected
aws iam tag-role --role-name demo_shop_app-2 --tags Key=irsa-operator.io/hold,Value=audit
aws iam detach-role-policy --role-name demo_shop_app-2 --policy-arn arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess
check 'a role is held' soon says app-2 RoleReady Held
kubectl -n shop delete irsabinding app-2 --wait=false >/dev/null
kubectl -n shop delete irsabinding app-3 --wait=false >/dev/null
kubectl -n shop patch irsabinding app-3 --type json -p '[{"op": "remove", "path": "/metadata/finalizers"}]' >/dev/null
check 'a role is an orphan' soon orphaned
admin rules --data "$(jq -n --arg account "$IRSA_AWS_ACCOUNT" '{action: "fail", status: 403, code: "AccessDenied",
    message: "User: arn:aws:sts::111122223333:assumed-role/irsa-operator/x is not authorized to perform: iam:PutRolePolicy",
    match: {account: $account, operation: "PutRolePolicy"}}')" -H 'content-type: application/json' >/dev/null
# shellcheck disable=SC2016
binding denied '{inline: [{name: bucket, document: {Version: "2012-10-17", Statement: [
    {Effect: Allow, Action: "s3:GetObject", Resource: "arn:$(partition):s3:::denied-$(account)/*"}]}}]}'
check 'a call is refused' soon says denied Ready AccessDenied

# Some scrapes ago, so that rates and rules have seen it, too.
seen() { curl -sf --noproxy '*' "http://$listen/api/v1/query" --data-urlencode "query=$1" | jq -e '.data.result != []' >/dev/null; }
for query in 'irsa_operator_aws_denied_calls_total offset 4s' 'irsa_operator_orphans offset 4s > 0' 'irsa_operator_bindings_noted offset 4s'; do
    check "scraped: $query" soon seen "$query"
done
check 'every query of dashboard and alerts is answered, by what they ask for' \
    "$venv/bin/python" "$DEV/tests/monitoring.py" "http://$listen"
grep -v '^ok' "$work/said" || true

# The runbooks' commands, as they are printed, but that logs are where they are here.
kubectl() {
    case " $* " in
        *' logs '*) cat "$IRSA_ENV_DIR"/logs/operator-*.log ;;
        *) command kubectl "$@" ;;
    esac
}
page() { # PAGE: its blocks, one after another
    awk '/^```sh$/ && mark == "<!-- run: monitoring_test.sh -->" { inside = 1; next } /^```$/ { inside = 0 } inside; { mark = $0 }' \
        "$DEV/../docs/runbooks/$1.md" >"$work/page.sh"
    # shellcheck source=/dev/null
    (set -euo pipefail && . "$work/page.sh") >"$work/answer" 2>&1 || { cat "$work/answer" && return 1; }
}
shows() { grep -qE -- "$1" "$work/answer" || { cat "$work/answer" && return 1; }; }
for path in "$DEV"/../docs/runbooks/*.md; do
    check "the commands of $(basename "$path") run" page "$(basename "$path" .md)"
    blocks=$((${blocks:-0} + $(grep -c . "$work/page.sh" || true)))
done
check 'that was something' [ "$blocks" -gt 40 ]
page IrsaBindingNotReady
check 'a binding that is not Ready is found' shows '^shop/typo NotFound: .*nowhere'
page IrsaDeletionPending
check 'and a deletion that waits' shows '^shop/app-2 since .*irsa-operator.io/hold'
page IrsaRolesOrphaned
check 'and an orphan' shows demo_shop_app-3
page IrsaOperatorCallsDenied
check 'and what was refused' shows '^shop/denied .*iam:PutRolePolicy'
page IrsaDriftNotCorrected
check 'and what is still to be done' shows '^shop/denied .*bucket'
page IrsaOperatorNoLeader
check 'and who leads' shows 'holderIdentity: .+'
if [ "$picture" = --picture ]; then
    sqs=arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess
    for ((round = 1; round <= 12; round++)); do
        for number in 1 4 5 6; do
            if [ $((round * number % 3)) -eq 1 ]; then
                aws iam detach-role-policy --role-name demo_shop_app-$number --policy-arn $sqs || true
            fi
        done
        binding "late-$round" '{managed: ["aws:AmazonSQSReadOnlyAccess", "aws:AmazonSSMReadOnlyAccess"]}'
        sleep 12
    done 2>/dev/null
    "$venv/bin/python" "$DEV/tests/picture.py" "http://$listen" "$DEV/../docs/images/dashboard.svg" 180
fi
echo "monitoring: $checks passed, 0 failed"
