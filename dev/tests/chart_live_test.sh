#!/usr/bin/env bash
# The chart on a real API server: installed by Helm, the operator run with what its Deployment says and as its
# ServiceAccount, upgraded, rolled back, uninstalled with a binding still there, and installed again.
#
#   dev/tests/chart_live_test.sh [3|4]...      which Helm; by default 4
set -euo pipefail
DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CHART=$DEV/../charts/irsa-operator

if [ "${1:-}" != inside ]; then
    [ $# -gt 0 ] || set -- 4
    helm=$("$DEV/helm/build.sh")
    operator=$(realpath "${CARGO_TARGET_DIR:-$DEV/../target}")/debug/irsa-operator
    [ -x "$operator" ] || cargo build --locked --manifest-path "$DEV/../Cargo.toml"
    for major in "$@"; do
        top=$(mktemp -d)
        if "$DEV/env" run "$top/env" -- "$0" inside "$helm/helm$major" "$operator"; then
            rm -rf "$top"
        else
            echo "chart with Helm $major: FAILED; what it left: $top" >&2
            exit 1
        fi
    done
    exit
fi

helm=$2 operator=$3 checks=0
venv=$("$DEV/lib/tools.sh")
NS=irsa-operator
ROLE=arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa-operator
work=$IRSA_ENV_DIR/chart
mkdir "$work"
# Helm keeps to this test, and takes nothing from the user's own.
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$IRSA_ENV_DIR"/logs/operator*.log >&2 2>/dev/null || true
    exit 1
}

# check SENTENCE COMMAND...
check() {
    "${@:2}" >"$work/said" 2>&1 || fail "$1: $(cat "$work/said")"
    checks=$((checks + 1))
    echo "ok: $1"
}

# soon COMMAND...: within 30 s.
soon() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

refused() { # WORD COMMAND...
    ! "${@:2}" >"$work/refusal" 2>&1 && grep -qi -- "$1" "$work/refusal"
}

equal() { [ "$1" = "$2" ] || fail "'$1' is not '$2'"; }
role_id() { aws iam get-role --role-name demo_billing_invoices --query Role.RoleId --output text; }
columns() { kubectl get crd irsabindings.irsa-operator.io -o json | jq '.spec.versions[0].additionalPrinterColumns | length'; }
ready() { kubectl -n billing wait --for=condition=Ready irsabinding/invoices --timeout=30s; }
pods() { [ "$(kubectl -n $NS get pods -o json | jq '[.items[] | select(.metadata.deletionTimestamp | not)] | length')" = "$1" ]; }

# Another's listener may come between, and then the operator ends and says so.
free_port() {
    local port
    while port=$((25000 + RANDOM % 5000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

python() { "$venv/bin/python" "$@"; }

# Without kinds that this API server does not know, and nobody here serves.
known() { python -c 'import sys, yaml; yaml.safe_dump_all([o for o in yaml.safe_load_all(sys.stdin) if o and not o["apiVersion"].startswith("monitoring.")], sys.stdout)'; }

# run_operator NAME: what the kubelet would do with a Pod of the Deployment as it is now. Its variables and no others, a
# token of its ServiceAccount, and the volume with the token for AWS.
run_operator() {
    local pod account variables=() mount port
    pod=$(kubectl -n $NS get deployment irsa-operator -o json | jq .spec.template.spec)
    account=$(jq -r .serviceAccountName <<<"$pod")
    kubectl config view --raw --minify -o json | jq --arg token "$(kubectl -n $NS create token "$account")" \
        '.users[0].user = {token: $token}' >"$work/$1.kubeconfig"
    mount=$work/$1.mount
    mkdir -p "$mount"
    kubectl -n $NS create token "$account" --audience "$(jq -r '.volumes[0].projected.sources[0].serviceAccountToken.audience' <<<"$pod")" >"$mount/token"
    mapfile -t variables < <(jq -r --arg namespace $NS --arg mount "$mount" '.containers[0] as $c | $c.env[]
        | "\(.name)=\(if .valueFrom.fieldRef.fieldPath == "metadata.namespace" then $namespace else .value end
          | sub("^\($c.volumeMounts[0].mountPath)"; $mount))"' <<<"$pod")
    mapfile -t args < <(jq -r '.containers[0].args[]' <<<"$pod")
    "$DEV/env" launch "$IRSA_ENV_DIR" "$1" -- env -i "KUBECONFIG=$work/$1.kubeconfig" "${variables[@]}" "$operator" "${args[@]}"
    port=$(jq '.containers[0].ports[0].containerPort' <<<"$pod")
    check "$1 answers the probes of the Deployment" soon probes "$pod" "$port"
}

probes() { # POD PORT
    local probe
    for probe in livenessProbe readinessProbe; do
        curl -sf --noproxy '*' "http://127.0.0.1:$2$(jq -r ".containers[0].$probe.httpGet.path" <<<"$1")" >/dev/null || return 1
    done
}

# can ROLE VERB RESOURCE: whether who has one of Kubernetes' own roles may.
can() { kubectl -n billing auth can-i "$2" "$3" --as="$1" >/dev/null; }
cannot() { ! can "$@"; }

echo "== $("$helm" version --short)"

# What the operator's own role is to an administrator: made before, by Terraform or by hand. The provider, too.
aws iam create-open-id-connect-provider --url "$IRSA_ISSUER" --client-id-list sts.amazonaws.com >/dev/null
aws iam create-role --role-name irsa-operator --assume-role-policy-document "$(jq -n --arg issuer "${IRSA_ISSUER#https://}" \
    --arg account "$IRSA_AWS_ACCOUNT" '{Version: "2012-10-17", Statement: [{Effect: "Allow", Action: "sts:AssumeRoleWithWebIdentity",
    Principal: {Federated: "arn:aws:iam::\($account):oidc-provider/\($issuer)"}, Condition: {StringEquals: {
    "\($issuer):aud": "sts.amazonaws.com", "\($issuer):sub": "system:serviceaccount:irsa-operator:irsa-operator"}}}]}')" >/dev/null
env -u IRSA_ISSUER "$operator" iam-policy --cluster-id demo --account "$IRSA_AWS_ACCOUNT" --issuer "$IRSA_ISSUER" \
    --eks-cluster "$AWS_REGION/$IRSA_EKS_CLUSTER" >"$work/policy.json"
aws iam put-role-policy --role-name irsa-operator --policy-name irsa-operator --policy-document "file://$work/policy.json"

kubectl create namespace $NS >/dev/null
kubectl label namespace $NS pod-security.kubernetes.io/{enforce,warn}=restricted >/dev/null
check 'the namespace lets no Pod in that is not restricted' refused 'violates PodSecurity' \
    kubectl -n $NS run loose --image=x --dry-run=server

cat >"$work/values.yaml" <<YAML
config:
  clusterId: demo
  eksCluster: $IRSA_EKS_CLUSTER
  listen: 127.0.0.1:$(free_port)
  resync: 3s
  settle: 3s
  # An emulator has no rates.
  awsMinRate: 1000
  awsMaxRate: 1000
aws:
  roleArn: $ROLE
  projectToken: true
  region: $AWS_REGION
extraEnv:
  - {name: AWS_ENDPOINT_URL, value: "$AWS_ENDPOINT_URL"}
YAML

# The chart before this one: there is none yet that was released, so an older one is made up, whose definitions know less.
cp -r "$CHART" "$work/older"
sed -i 's/^version: .*/version: 0.0.1/' "$work/older/Chart.yaml"
python - "$work/older/files/crds/irsa-operator.io_irsabindings.yaml" <<'PYTHON'
import pathlib, sys, yaml
path = pathlib.Path(sys.argv[1])
crd = yaml.safe_load(path.read_text())
crd["spec"]["versions"][0]["additionalPrinterColumns"].pop(0)
path.write_text(yaml.safe_dump(crd))
PYTHON

check 'a class in the first install is refused, and how to go on is said' refused 'defaultClass.create=true' \
    "$helm" install irsa-operator "$CHART" -n $NS -f "$work/values.yaml" --set defaultClass.create=true
check 'that has left nothing' refused notfound kubectl get crd irsabindings.irsa-operator.io
check 'it is installed' "$helm" install irsa-operator "$work/older" -n $NS -f "$work/values.yaml"
older=$(columns)
check 'its Pods pass the level restricted' soon pods 2
check 'the definitions are established' kubectl wait --for=condition=Established --timeout=30s crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io
run_operator operator-1

upgrade() { "$helm" upgrade irsa-operator "$CHART" -n $NS --reset-then-reuse-values --set defaultClass.create=true "$@"; }
check 'it is upgraded, with a class' upgrade
check 'the definitions are upgraded' [ "$(columns)" -gt "$older" ]
check 'the class is Ready' kubectl wait --for=condition=Ready irsaclass/default --timeout=30s
kubectl apply -f "$DEV/../config/samples/2-namespace.yaml" -f "$DEV/../config/samples/3-service-account.yaml" -f "$DEV/../config/samples/4-binding.yaml" >/dev/null
check 'a binding is Ready' ready
role=$(soon role_id 2>/dev/null) # AWS shows what was made a moment later

check 'it is upgraded to other values' upgrade --set config.concurrency=2
"$DEV/env" stop "$IRSA_ENV_DIR" operator-1 TERM
run_operator operator-2
check 'what runs now was told so' grep -qz IRSA_CONCURRENCY=2 "/proc/$(cut -d' ' -f1 "$IRSA_ENV_DIR/pids/operator-2")/environ"
check 'nobody asked for more than the chart allows' [ -z "$(grep -h 'forbidden: User' "$IRSA_ENV_DIR"/logs/operator-*.log)" ]

for who in view edit admin; do kubectl -n billing create rolebinding $who --clusterrole=$who --user=$who >/dev/null; done
check 'who may see sees bindings' soon can view list irsabindings
check 'who may edit does not write them by that' cannot edit create irsabindings
check 'unless a value says so' upgrade --set rbac.aggregateToEdit=true
check 'and then may' soon can edit create irsabindings
for verb in get create; do check "nobody may $verb classes" cannot admin $verb irsaclasses; done

check 'it is rolled back' "$helm" rollback irsa-operator 1 -n $NS
check 'the class stays' kubectl get irsaclass default
check 'and is upgraded again' upgrade
check 'the binding is Ready' ready

check 'it is uninstalled' "$helm" uninstall irsa-operator -n $NS --wait
check 'what it may do is gone' refused notfound kubectl get clusterrole irsa-operator
for kept in crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io irsaclass/default; do
    check "$kept is kept" kubectl get "$kept"
done
check 'the binding is as it was' ready
check 'the role is there' equal "$(role_id)" "$role"
check 'the ServiceAccount names it' equal "arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa/demo_billing_invoices" \
    "$(kubectl -n billing get serviceaccount invoices -o jsonpath='{.metadata.annotations.eks\.amazonaws\.com/role-arn}')"
"$DEV/env" stop "$IRSA_ENV_DIR" operator-2 KILL
kubectl -n $NS delete lease irsa-operator >/dev/null # else the next one waits until it has run out

check 'it is installed again over what was kept' "$helm" install irsa-operator "$CHART" -n $NS -f "$work/values.yaml" \
    --set defaultClass.create=true,config.fuse=false
run_operator operator-3
kubectl -n billing delete irsabinding invoices --wait=false >/dev/null
check 'a deletion is finished by the new one' kubectl -n billing wait --for=delete irsabinding/invoices --timeout=40s
check 'and the role is gone' soon refused NoSuchEntity role_id

# Beside the one that is there, so that nothing but the definitions and the class is.
strictly() { kubectl apply --dry-run=server --validate=strict "$@"; }
kubectl create namespace platform >/dev/null
for values in "$CHART"/ci/*-values.yaml; do
    "$helm" template other "$CHART" -n platform -f "$values" | known >"$work/rendered.yaml"
    check "the API server takes all of ${values##*/}, strictly" strictly -f "$work/rendered.yaml"
done
check 'it is uninstalled once more' "$helm" uninstall irsa-operator -n $NS --wait
for overlay in "$DEV"/../config/overlays/*/; do
    check "and of config/overlays/$(basename "$overlay")" strictly -k "$overlay"
done
echo "chart: $checks passed, 0 failed"
