"""Rolls the examples out by Argo CD's own engine and Flux's own. Run by gitops_test.sh in an environment with an operator.

    gitops.py HELM HEALTH ARGOCD FLUX [first]

`first` is the operator's own Application, in an environment where nothing is yet.
"""
import json, os, pathlib, subprocess, sys, time
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
HELM, HEALTH, ARGOCD, FLUX, *FIRST = sys.argv[1:]
ROLE = "eks.amazonaws.com/role-arn"
WAVE = "argocd.argoproj.io/sync-wave"
GROUP = "irsa-operator.io/"
OPERATOR = "system:serviceaccount:irsa-operator:irsa-operator"
WORK = pathlib.Path(os.environ["IRSA_ENV_DIR"])
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
    paths = sorted((CONFIG / folder).rglob("*.yaml")) or [CONFIG / folder]
    return [o for path in paths for o in documents(path.read_text())]


def live(o):
    namespace = ["-n", o["metadata"]["namespace"]] if "namespace" in o["metadata"] else []
    return json.loads(kubectl(*namespace, "get", o["kind"], o["metadata"]["name"], "-o", "json"))


def health(o, script):
    """(status, message) by the script that Argo CD would run on the object."""
    line = run(HEALTH, script, stdin=json.dumps({"name": "it", "object": o}))
    return line[12:].split(" ", 1)[0], line.split(" it: ", 1)[1].strip()


def wave_of(o):
    return int(o["metadata"].get("annotations", {}).get(WAVE, "0"))


def sync(objects, app, *flags):
    """One sync of an Application: (the waves it applied, what became of each object, how it ended)."""
    path = WORK / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    said = run(ARGOCD, "--app", app, *flags, HEALTH, WORK / "argocd-cm.json", path).splitlines()
    waves = [int(line.split()[1]) for line in said if line.startswith("wave ")]
    return waves, dict(line.split(": ", 1) for line in said[len(waves):-1]), said[-1]


def writes():
    """What was written, in its order: (verb, resource, namespace, name, by whom)."""
    lines = (json.loads(line) for line in open(os.environ["IRSA_AUDIT_LOG"]))
    return [(one["verb"], ref["resource"], ref.get("namespace", ""), ref.get("name", ""), one["user"]["username"])
            for one in lines if one["responseStatus"]["code"] < 300 and "dryRun" not in one["requestURI"]
            for ref in [one["objectRef"]] if "subresource" not in ref]


def before(first, second):
    """Whether the first write of one kind came before the first of another; each is the beginning of what `writes` has."""
    all_of = writes()
    at = [next((n for n, one in enumerate(all_of) if one[:len(what)] == what), None) for what in (first, second)]
    if None in at:
        sys.exit(f"FAILED: no such write: {(first, second)[at.index(None)]}")
    return at[0] < at[1]


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


if FIRST:
    (WORK / "argocd-cm.json").write_text((CONFIG / "argocd/argocd-cm.yaml").read_text())
    spec = of(files("argocd/platform/irsa-operator.yaml"), "Application")["spec"]
    chart = documents(run(HELM, "template", "irsa-operator", ROOT / "charts/irsa-operator", "--namespace", "irsa-operator", "--include-crds", "--values", "-",
                          stdin=yaml.safe_dump(spec["source"]["helm"]["valuesObject"])))
    waves, became, end = sync(chart, "irsa-operator", "--namespace", "irsa-operator", "--create-namespace")
    check(f"definitions, operator and class come in one sync: {end}", end.startswith("Succeeded") and waves == [0] and len(became) >= len(chart))
    check("the class is there", live({"kind": "IrsaClass", "metadata": {"name": "default"}})["spec"]["allow"])
    check("and a second sync has nothing to say", sync(chart, "irsa-operator", "--namespace", "irsa-operator")[2].startswith("Succeeded"))
    waves, became, end = sync([], "irsa-operator", "--namespace", "irsa-operator", "--prune")
    left = lambda: [len(kubectl("get", kind, "-A", "-o", "name").split()) for kind in ("crds", "irsaclasses", "deployments", "validatingadmissionpolicies")]
    check(f"pruned, definitions and class stay, and nothing else: {end}", soon(lambda: left() == [2, 1, 0, 0]))
    kubectl("delete", "irsaclass", "default")
    sys.exit()

# The ConfigMap is what Argo CD would have after the command of docs/gitops.md.
kubectl("create", "namespace", "argocd")
kubectl("-n", "argocd", "create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com")
kubectl("-n", "argocd", "patch", "configmap", "argocd-cm", "--patch-file", CONFIG / "argocd/argocd-cm.yaml")
cm = json.loads(kubectl("-n", "argocd", "get", "configmap", "argocd-cm", "-o", "json"))
scripts = {k: v for k, v in cm["data"].items() if k.startswith("resource.customizations.health.")}
check("the patch leaves what else is in argocd-cm, and brings three scripts", cm["data"]["url"] and len(scripts) == 3)
cm_file = WORK / "argocd-cm.json"
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
check("the class is synced", sync(built("flux/classes"), "classes")[2].startswith("Succeeded"))
check("the class is Healthy", soon(lambda: health(live(of(built("flux/classes"), "IrsaClass")), cm_file)[0] == "Healthy"))
check("and then the binding is", soon(lambda: health(live(of(prod, "IrsaBinding")), cm_file)[0] == "Healthy"))
kubectl("delete", "irsabinding,serviceaccount", "--all", "-n", "billing", "--timeout=60s")

# From here on in a namespace of its own each, for what came first is looked for in the API server's log.
def elsewhere(namespace):
    moved = json.loads(json.dumps(prod))
    for o in moved:
        o["metadata"]["name" if o["kind"] == "Namespace" else "namespace"] = namespace
    return moved


def deployment(namespace):
    return ("create", "deployments", namespace, "invoices")


for namespace, flags in (("three-way", []), ("server-side", ["--server-side"])):
    waves, became, end = sync(elsewhere(namespace), namespace, *flags)
    # Server-side apply is a patch also where it creates.
    workload = deployment(namespace) if not flags else ("patch", *deployment(namespace)[1:])
    check(f"{namespace}: {end}; waves {waves}", end.startswith("Succeeded") and waves == [-2, -1, 0])
    check(f"its health is the message: {became['IrsaBinding invoices']}", became["IrsaBinding invoices"].startswith("Synced ") and "rror" not in became["IrsaBinding invoices"])
    check("the operator has annotated the ServiceAccount before the workload is applied",
          before(("patch", "serviceaccounts", namespace, "invoices", OPERATOR), workload) and f"{namespace}_invoices" in annotated(namespace, "invoices"))
    written = len(writes())
    check("synced again, all is as it was", sync(elsewhere(namespace), namespace, *flags)[2].startswith("Succeeded"))
    check("and the operator writes nothing", not [one for one in writes()[written:] if one[4] == OPERATOR])
policies = live(of(elsewhere("three-way"), "IrsaBinding"))["spec"]["policies"]
check("prod has one policy more, and the bucket of its account", len(policies["managed"]) == 2 and "$(account)" in json.dumps(policies["inline"]))

# By Flux: each Kustomization of the example, in the order of `dependsOn`, with what it waits for. The namespace is the example's
# own, as the health check names it.
def reconcile(name, objects=None, *flags):
    """(What it applied, how it ended)."""
    path = WORK / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects or documents(kubectl("kustomize", ROOT / kustomizations[name]["path"]))))
    *applied, end = run(FLUX, *flags, CONFIG / "flux/cluster/irsa.yaml", name, path).splitlines()
    return applied, end


check("Flux: the class, by its expressions", reconcile("irsa-classes")[1] == "Ready: waited for 1")
applied, end = reconcile("invoices-identity")
check(f"Flux: identity: {end}", end == "Ready: waited for 1" and len(applied) == 3)
check("which is over when the ServiceAccount has its role", "billing_invoices" in annotated("billing", "invoices"))
# Nodes there are none, so what waits for the Pods ends without them.
applied, end = reconcile("invoices", None, "-timeout", "4s")
check(f"Flux: workload: {applied}", applied == ["Deployment/billing/invoices: created"] and "Deployment/billing/invoices" in end)
written = len(writes())
applied, end = reconcile("invoices-identity")
check("Flux: again, all is as it was", end.startswith("Ready") and all(line.endswith("unchanged") for line in applied))
check("and nobody writes", not [one for one in writes()[written:] if one[4] in (OPERATOR, "admin")])
bad = documents(kubectl("kustomize", ROOT / kustomizations["invoices-identity"]["path"]))
of(bad, "IrsaBinding")["spec"]["policies"]["inline"][0]["document"]["Statement"][0]["Resource"] = "arn:$(partition):s3:::$(nothing)/*"
end = reconcile("invoices-identity", bad)[1]
check(f"Flux: a binding that can't go on fails at once: {end}", end.startswith("Failed") and "invoices" in end and "Failed" in end[8:])

# Without waves: what the docs warn of.
flat = elsewhere("flat")
for o in flat:
    o["metadata"].get("annotations", {}).pop(WAVE, None)
check("without waves it is one", sync(flat, "flat")[0] == [0])
check("in which the Deployment comes before the binding", before(deployment("flat"), ("create", "irsabindings", "flat", "invoices")))

# The ServiceAccount in the workload's wave: nothing deadlocks.
late = elsewhere("late")
del of(late, "ServiceAccount")["metadata"]["annotations"][WAVE]
waves, became, end = sync(late, "late")
check(f"with the ServiceAccount in the workload's wave: {end}", end.startswith("Succeeded") and waves == [-2, -1, 0])
check("the binding was Healthy before there was one", before(("create", "irsabindings", "late", "invoices"), ("create", "serviceaccounts", "late", "invoices"))
      and "ServiceAccountNotFound" in became["IrsaBinding invoices"])
check("and the ServiceAccount is annotated once it is there", soon(lambda: "late_invoices" in annotated("late", "invoices")))

# What can't become Healthy.
broken = elsewhere("broken")
of(broken, "IrsaBinding")["spec"]["policies"]["inline"][0]["document"]["Statement"][0]["Resource"] = "arn:$(partition):s3:::$(nothing)/*"
waves, became, end = sync(broken, "broken")
check(f"a binding that is Degraded fails the sync: {became['IrsaBinding invoices']}", end.startswith("Failed") and "$(nothing)" in became["IrsaBinding invoices"])
check("and its workload is not applied", waves == [-2, -1] and not [one for one in writes() if one[1:3] == ("deployments", "broken")])

# On the way down: all of it pruned, in one sync.
waves, became, end = sync([], "three-way", "--prune")
check(f"pruned: {end}", end.startswith("Succeeded"))
check("the workload goes first, and the binding after it", before(("delete", "deployments", "three-way"), ("delete", "irsabindings", "three-way")))
check("and the namespace last, which had to wait for nobody", before(("delete", "irsabindings", "three-way"), ("delete", "namespaces", "three-way"))
      and soon(lambda: not kubectl("get", "namespace", "three-way", "--ignore-not-found")))
roles = lambda: json.loads(run("aws", "iam", "list-roles", "--path-prefix", "/irsa/", "--output", "json"))["Roles"]
check("the role is gone", soon(lambda: not [r for r in roles() if r["RoleName"].endswith("three-way_invoices")]))

# The chart, with what the Application gives it, and without.
source = applications["reports"]["spec"]
values = source["source"]["helm"]["valuesObject"]
rendered = documents(run(HELM, "template", "reports", CONFIG / "examples/chart", "-n", "reports", "--values", "-", stdin=yaml.safe_dump(values)))
waves, became, end = sync(rendered, "reports", "--namespace", "reports", "--create-namespace")
check(f"the chart, into a namespace that Argo CD makes: {end}", end.startswith("Succeeded") and waves == [-1, 0])
check("the chart's ServiceAccount has its role before the workload is applied", before(("patch", "serviceaccounts", "reports", "reports", OPERATOR), ("create", "deployments", "reports"))
      and "reports_reports" in annotated("reports", "reports"))
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
