"""Rolls the examples out as Argo CD does. Run by gitops_test.sh in an environment with an operator.

    gitops.py HELM HEALTH
"""
import json, os, pathlib, subprocess, sys, time
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
HELM, HEALTH = sys.argv[1:3]
ROLE = "eks.amazonaws.com/role-arn"
WAVE = "argocd.argoproj.io/sync-wave"
GROUP = "irsa-operator.io/"
# The order of kinds within a wave, in gitops-engine, as far as the examples have them. What is not in it comes last.
KINDS = ["Namespace", "ConfigMap", "ServiceAccount", "CustomResourceDefinition", "Deployment"]
checks = 0


def check(sentence, so):
    global checks
    if not so:
        sys.exit(f"FAILED: {sentence}")
    checks += 1
    print(f"ok: {sentence}", flush=True)


def run(*command, stdin=None):
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(str(part) for part in command)}: {done.stdout}{done.stderr}")
    return done.stdout


def kubectl(*arguments, stdin=None):
    return run("kubectl", *arguments, stdin=stdin)


def documents(text):
    return [o for o in yaml.safe_load_all(text) if o]


def built(folder):
    return documents(kubectl("kustomize", CONFIG / folder))


def files(folder):
    return [o for path in sorted((CONFIG / folder).rglob("*.yaml")) for o in documents(path.read_text())]


def live(o):
    namespace = ["-n", o["metadata"]["namespace"]] if "namespace" in o["metadata"] else []
    return json.loads(kubectl(*namespace, "get", o["kind"], o["metadata"]["name"], "-o", "json"))


def health(o, script):
    """(status, message) by the script that Argo CD would run on the object."""
    line = run(HEALTH, script, stdin=json.dumps({"name": "it", "object": o}))
    return line[12:].split(" ", 1)[0], line.split(" it: ", 1)[1].strip()


def wave_of(o):
    return int(o["metadata"].get("annotations", {}).get(WAVE, "0"))


def sync(objects, script, between=lambda wave: None):
    """Wave after wave; the last is not waited for, and neither is what has no health check. `between` is called before each."""
    place = {kind: at for at, kind in enumerate(KINDS)}
    waves = sorted({wave_of(o) for o in objects})
    for wave in waves:
        between(wave)
        part = sorted((o for o in objects if wave_of(o) == wave), key=lambda o: place.get(o["kind"], len(KINDS)))
        for o in part:
            kubectl("apply", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(o))
        deadline = time.monotonic() + 60
        for o in part if wave != waves[-1] else []:
            while o["apiVersion"].startswith(GROUP):
                status, message = health(live(o), script)
                if status == "Healthy":
                    break
                if status == "Degraded" or time.monotonic() > deadline:
                    sys.exit(f"FAILED: wave {wave} ends with {o['kind']} {o['metadata']['name']} {status}: {message}")
                time.sleep(0.3)


def annotated(namespace, name):
    o = {"kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    return live(o)["metadata"].get("annotations", {}).get(ROLE, "")


def soon(so):
    deadline = time.monotonic() + 30
    while not so() and time.monotonic() < deadline:
        time.sleep(0.2)
    return so()


def of(objects, kind):
    return next(o for o in objects if o["kind"] == kind)


# The ConfigMap is what Argo CD would have after the command of docs/gitops.md.
kubectl("create", "namespace", "argocd")
kubectl("-n", "argocd", "create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com")
kubectl("-n", "argocd", "patch", "configmap", "argocd-cm", "--patch-file", CONFIG / "argocd/argocd-cm.yaml")
cm = json.loads(kubectl("-n", "argocd", "get", "configmap", "argocd-cm", "-o", "json"))
scripts = {k: v for k, v in cm["data"].items() if k.startswith("resource.customizations.health.")}
check("the patch leaves what else is in argocd-cm, and brings three scripts", cm["data"]["url"] and len(scripts) == 3)
cm_file = pathlib.Path(os.environ["IRSA_ENV_DIR"]) / "argocd-cm.json"
cm_file.write_text(json.dumps(cm))

application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "x"}}
for status, expected in (({}, "Progressing"), ({"health": {"status": "Degraded", "message": "a"}}, "Degraded"), ({"health": {"status": "Healthy"}}, "Healthy")):
    check(f"an Application that says {status} is {expected}", health({**application, "status": status}, cm_file)[0] == expected)

# Each Application and Kustomization names what is there.
applications = {o["metadata"]["name"]: o for o in files("argocd") if o["kind"] == "Application"}
FIELDS = {"project", "source", "destination", "syncPolicy"}
for name, o in applications.items():
    spec, source = o["spec"], o["spec"]["source"]
    check(f"Application {name} has the fields of an Application", set(spec) == FIELDS and o["metadata"]["namespace"] == "argocd"
          and set(source) <= {"repoURL", "targetRevision", "path", "chart", "helm"} and ("path" in source) != ("chart" in source)
          and set(spec["destination"]) == {"server", "namespace"} and set(spec["syncPolicy"]) <= {"automated", "syncOptions", "retry"})
    check(f"Application {name}: its path is there", "chart" in source or (ROOT / source["path"]).is_dir())
check("the operator's comes first", all(wave_of(applications["irsa-operator"]) < wave_of(applications[n]) for n in ("billing", "reports")))
kustomizations = {o["metadata"]["name"]: o["spec"] for o in files("flux/cluster")}
for name, spec in kustomizations.items():
    inside = documents(kubectl("kustomize", ROOT / spec["path"]))
    waits = {(c["kind"], c["metadata"].get("namespace"), c["metadata"]["name"]) for c in inside}
    for one in spec.get("healthChecks", []):
        check(f"Kustomization {name} waits for {one['kind']} {one['name']}, which is in it", (one["kind"], one.get("namespace"), one["name"]) in waits)
    check(f"Kustomization {name} builds, and depends on what is there", inside and all(d["name"] in kustomizations for d in spec.get("dependsOn", [])))
order, depends = [], {n: [d["name"] for d in s.get("dependsOn", [])] for n, s in kustomizations.items()}
while len(order) < len(depends):
    order.append(next(n for n in depends if n not in order and all(d in order for d in depends[n])))
check("Flux: operator, class, binding, workload", order == ["irsa-operator", "irsa-classes", "invoices-identity", "invoices"])
check("Argo CD's class is Flux's", applications["irsa-operator"]["spec"]["source"]["helm"]["valuesObject"]["defaultClass"]["spec"]
      == of(built("flux/classes"), "IrsaClass")["spec"])

# A binding whose class is not there yet waits, and does not fail.
prod = built("examples/kustomize/overlays/prod")
early = [o for o in prod if wave_of(o) < 0]
for o in sorted(early, key=wave_of):
    kubectl("apply", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(o))
check("a binding before its class is Progressing", soon(lambda: health(live(of(prod, "IrsaBinding")), cm_file)[0] == "Progressing"
      and live(of(prod, "IrsaBinding")).get("status", {}).get("conditions")))
sync(built("flux/classes"), cm_file)
check("the class is Healthy", soon(lambda: health(live(of(built("flux/classes"), "IrsaClass")), cm_file)[0] == "Healthy"))
check("and then the binding is", soon(lambda: health(live(of(prod, "IrsaBinding")), cm_file)[0] == "Healthy"))
kubectl("delete", "irsabinding,serviceaccount", "--all", "-n", "billing", "--timeout=60s")

seen = []
sync(prod, cm_file, lambda wave: seen.append((wave, wave == 0 and annotated("billing", "invoices"))))
check(f"prod: waves {[wave for wave, _ in seen]}", [wave for wave, _ in seen] == [-2, -1, 0])
check("the ServiceAccount has its role before the workload is applied", "billing_invoices" in seen[-1][1])
policies = live(of(prod, "IrsaBinding"))["spec"]["policies"]
check("prod has one policy more, and the bucket of its account", len(policies["managed"]) == 2 and "$(account)" in json.dumps(policies["inline"]))

# The ServiceAccount in the workload's wave: nothing deadlocks.
late = json.loads(json.dumps(prod))
for o in late:
    o["metadata"]["name" if o["kind"] == "Namespace" else "namespace"] = "late"
    if o["kind"] == "ServiceAccount":
        del o["metadata"]["annotations"][WAVE]
told = []
sync(late, cm_file, lambda wave: wave == 0 and told.append(health(live(of(late, "IrsaBinding")), cm_file)))
check("with the ServiceAccount in the workload's wave the binding is Healthy before it", told[0][0] == "Healthy" and "ServiceAccountNotFound" in told[0][1])
check("and the ServiceAccount is annotated once it is there", soon(lambda: "late_invoices" in annotated("late", "invoices")))

# The chart, with what the Application gives it, and without.
kubectl("create", "namespace", "reports")
values = applications["reports"]["spec"]["source"]["helm"]["valuesObject"]
rendered = documents(run(HELM, "template", "reports", CONFIG / "examples/chart", "-n", "reports", "--values", "-", stdin=yaml.safe_dump(values)))
for o in rendered:
    o["metadata"]["namespace"] = "reports"
sync(rendered, cm_file)
check("the chart's ServiceAccount has its role", "reports_reports" in annotated("reports", "reports"))
check("its Deployment has what the Application says", of(rendered, "Deployment")["spec"]["replicas"] == 3)
without = documents(run(HELM, "template", "reports", CONFIG / "examples/chart", "--set", "aws.enabled=false,aws.className=x"))
check("it goes without a binding, too", {o["kind"] for o in without} == {"ServiceAccount", "Deployment"})
named = of(documents(run(HELM, "template", "r", CONFIG / "examples/chart", "--set", "aws.className=x")), "IrsaBinding")
check("and with another class", named["spec"]["className"] == "x")
run(HELM, "lint", "--strict", CONFIG / "examples/chart")

dev = built("examples/kustomize/overlays/dev")
for o in dev:
    kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(o))
check("dev: the API server takes all of it, strictly", len(dev) == 4)
prefixed = pathlib.Path(os.environ["IRSA_ENV_DIR"]) / "prefixed"
prefixed.mkdir()
(prefixed / "kustomization.yaml").write_text(f"resources: [{os.path.relpath(CONFIG / 'examples/kustomize/overlays/prod', prefixed)}]\nnamePrefix: eu-\n")
renamed = documents(kubectl("kustomize", prefixed))
check("with a name prefix the binding follows its ServiceAccount", of(renamed, "IrsaBinding")["spec"]["serviceAccount"]["name"] == "eu-invoices"
      == of(renamed, "ServiceAccount")["metadata"]["name"] == of(renamed, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"])
print(f"gitops: {checks} passed, 0 failed")
