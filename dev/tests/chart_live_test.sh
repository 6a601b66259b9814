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
work=$IRSA_ENV_DIR/chart
mkdir "$work"
# Helm keeps to this test, and takes nothing from the user's own.
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$work/said" "$IRSA_ENV_DIR"/logs/operator*.log >&2 2>/dev/null || true
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

kubectl create namespace $NS >/dev/null
kubectl label namespace $NS pod-security.kubernetes.io/{enforce,warn}=restricted >/dev/null
check 'the namespace lets no Pod in that is not restricted' refused 'violates PodSecurity' \
    kubectl -n $NS run loose --image=x --dry-run=server

# What the docs leave out, as there it is the defaults, EKS's webhook, or AWS.
cat >"$work/values.yaml" <<YAML
config:
  listen: 127.0.0.1:$(free_port)
  resync: 3s
  settle: 3s
  # An emulator has no rates.
  awsMinRate: 1000
  awsMaxRate: 1000
aws:
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

# The docs as they are printed: the shell blocks of a section, one after another. Replaced are names that differ here, and
# where chart and program come from.
printed() { # FILE SECTION FROM TO: the blocks FROM to TO
    awk -v section="## $2" -v from="$3" -v to="$4" '/^## / { inside = $0 == section }
        inside && /^```sh/ { block++; shown = block >= from && block <= to; next } /^```/ { shown = 0 } shown' "$DEV/../docs/$1" |
        sed "s|^CLUSTER=.*|CLUSTER=$IRSA_EKS_CLUSTER|; s|^CLUSTER_ID=.*|CLUSTER_ID=demo|
             s|docker run --rm [^ ]* |env -u IRSA_ISSUER $operator |; s|helm install irsa-operator oci:[^ ]*|helm install irsa-operator $chart -f $work/values.yaml|
             s|helm upgrade irsa-operator oci:[^ ]*|helm upgrade irsa-operator $chart|; s|config/samples|$DEV/../config/samples|g; s|config/iam|$DEV/../config/iam|"
}
helm() { "$helm" "$@"; }

check 'a class in the first install is refused, and how to go on is said' refused 'defaultClass.create=true' \
    "$helm" install irsa-operator "$CHART" -n $NS -f "$work/values.yaml" --set config.clusterId=demo,aws.projectToken=false,defaultClass.create=true
check 'that has left nothing' refused notfound kubectl get crd irsabindings.irsa-operator.io
chart=$work/older
printed install.md 'EKS, by Helm' 1 4 >"$work/install.sh"
check 'docs/install.md has four blocks until the chart is there' grep -q 'helm install' "$work/install.sh"
# shellcheck source=/dev/null
installed() { cd "$work" && set -e && . "$work/install.sh"; }
# Not as a condition, where bash would go on after what has failed.
(installed) >"$work/said" 2>&1
check 'it is installed as docs/install.md says' "$helm" status irsa-operator -n $NS
older=$(columns)
check 'its Pods pass the level restricted' soon pods 2
check 'the definitions are established' kubectl wait --for=condition=Established --timeout=30s crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io
run_operator operator-1

chart=$CHART BOUNDARY=arn:aws:iam::$IRSA_AWS_ACCOUNT:policy/irsa-boundary
printed install.md 'EKS, by Helm' 5 6 >"$work/upgrade.sh"
# shellcheck source=/dev/null
(cd "$work" && . "$work/upgrade.sh") >"$work/said" 2>&1
check 'it is upgraded, with a class and a binding, as docs/install.md says' ready
check 'the definitions are upgraded' [ "$(columns)" -gt "$older" ]
role=$(soon role_id 2>/dev/null) # AWS shows what was made a moment later

upgrade() { "$helm" upgrade irsa-operator "$CHART" -n $NS --reset-then-reuse-values --set defaultClass.create=true "$@"; }
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

stray() { # NAMESPACE POLICY: a binding that is not to be
    jq -n --arg namespace "$1" --arg policy "$2" '{apiVersion: "irsa-operator.io/v1alpha1", kind: "IrsaBinding", metadata: {name: "stray", $namespace},
        spec: {serviceAccount: {name: "stray"}, policies: {managed: [$policy]}}}' | kubectl apply --dry-run=server -f -
}
check 'what the class does not allow is refused at once' soon refused 'IrsaClass default does not allow arn:aws:iam::aws:policy/AmazonSQSFullAccess' \
    stray billing aws:AmazonSQSFullAccess
check 'nor may bindings be where the operator is' refused 'does not allow bindings in namespace irsa-operator' stray $NS aws:AmazonSQSReadOnlyAccess
check 'and what it allows is taken' stray billing aws:AmazonSQSReadOnlyAccess
bare() { kubectl -n billing patch irsabinding invoices --as=edit "$@" --type=merge -p '{"metadata": {"finalizers": null}}'; }
check 'who may edit can not take the finalizer off' refused 'metadata.finalizers: irsa-operator.io/finalizer is taken off by the operator' bare
check 'unless a value names a group' upgrade --set 'admission.finalizerGroups={on-call}'
check 'and then may' soon bare --as-group=on-call --dry-run=server

check 'it is rolled back' "$helm" rollback irsa-operator 1 -n $NS
check 'the class stays' kubectl get irsaclass default
# Values are those of that revision again, and a class never loses its boundary.
check 'and is upgraded again' upgrade -f "$work/class.yaml" --set "defaultClass.spec.role.permissionsBoundaryArn=$BOUNDARY"
check 'the binding is Ready' ready

"$helm" get values irsa-operator -n $NS >"$work/kept.yaml"
sed -i 1d "$work/kept.yaml" # its title
check 'it is uninstalled' "$helm" uninstall irsa-operator -n $NS --wait
check 'what it may do is gone' refused notfound kubectl get clusterrole irsa-operator
for kept in crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io irsaclass/default; do
    check "$kept is kept" kubectl get "$kept"
done
check 'the binding is as it was' ready
check 'the role is there' equal "$(role_id)" "$role"
check 'the ServiceAccount names it' equal "arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa/demo_billing_invoices" \
    "$(kubectl -n billing get serviceaccount invoices -o jsonpath='{.metadata.annotations.eks\.amazonaws\.com/role-arn}')"
"$DEV/env" stop "$IRSA_ENV_DIR" operator-2 KILL 2>/dev/null || true # it may have ended by itself, without its Lease
kubectl -n $NS delete lease irsa-operator >/dev/null # else the next one waits until it has run out

check 'it is installed again over what was kept' "$helm" install irsa-operator "$CHART" -n $NS -f "$work/values.yaml" -f "$work/kept.yaml" \
    --set config.fuse=false
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

kubectl apply -f "$DEV/../config/samples/4-binding.yaml" >/dev/null
check 'a binding is there again' ready
printed upgrade.md Uninstall 1 1 >"$work/retain.sh"
# shellcheck source=/dev/null
(. "$work/retain.sh") >"$work/said" 2>&1
check 'it is gone for good as docs/upgrade.md says, definitions and all' refused notfound kubectl get crd irsabindings.irsa-operator.io
released() { [ "$(aws iam list-role-tags --role-name demo_billing_invoices --query "Tags[?Key=='irsa-operator.io/released-by'].Value" --output text)" = demo ]; }
check 'and the role is there, released' soon released
for overlay in "$DEV"/../config/overlays/*/; do
    check "and of config/overlays/$(basename "$overlay")" strictly -k "$overlay"
done
echo "chart: $checks passed, 0 failed"
