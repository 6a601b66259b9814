"""What of the chart and of config/ can be tried without a cluster. Run by chart_test.sh; --update writes what is generated.

    chart.py HELM3 HELM4 KUBECTL OPERATOR KINDS [--update]
"""
import difflib, json, os, pathlib, re, shutil, subprocess, sys, tempfile
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/irsa-operator"
GOLDEN = ROOT / "tests/chart"
HELM3, HELM4, KUBECTL, OPERATOR, KINDS = sys.argv[1:6]
UPDATE = "--update" in sys.argv
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
# They come as subchart and parent want it; the chart has no value for them.
OF_PARENTS = {"global", "enabled"}
passed, failed = 0, 0


def check(sentence, faults):
    """Faults are sentences; none is right."""
    global passed, failed
    faults = [fault for fault in faults if fault]
    if faults:
        failed += 1
        print(f"FAILED: {sentence}\n  " + "\n  ".join(faults), flush=True)
    else:
        passed += 1
        print(f"ok: {sentence}", flush=True)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


def render(helm, *options):
    """What Helm renders, as objects, without what differs from version to version and is nobody's business."""
    done = run(helm, "template", "irsa-operator", CHART, "--namespace", "irsa-operator", *options)
    if done.returncode:
        raise SystemExit(f"{helm} template {options}: {done.stderr}")
    return done.stdout


def objects(text):
    return [o for o in yaml.safe_load_all(text) if o]


def key(o):
    return f'{o["kind"]} {o["metadata"].get("namespace", "")}/{o["metadata"]["name"]}'


def differences(ours, theirs, names):
    """Both as {key: object}."""
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = (yaml.safe_dump(side.get(name, "is not there")).splitlines() for side in (ours, theirs))
        if a != b:
            yield "\n  ".join([name, *difflib.unified_diff(a, b, *names, lineterm="", n=2)])


def stored(path, text):
    """The file is as it would be generated; --update makes it so."""
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    was = path.read_text() if path.exists() else ""
    if was != text:
        diff = difflib.unified_diff(was.splitlines(), text.splitlines(), "stored", "now", lineterm="", n=1)
        return "\n  ".join([f"{path.relative_to(ROOT)} is stale: dev/tests/chart_test.sh --update writes it", *list(diff)[:40]])
    return None


def flags():
    """{flag: (variable, default)} as --help tells."""
    found, name = {}, None
    for line in run(OPERATOR, "run", "--help").stdout.splitlines():
        if flag := re.match(r"\s+(?:-\w, )?--([a-z-]+)", line):
            name = flag[1]
            found[name] = [None, None]
        elif match := re.match(r"\s+\[env: (\w+)=", line):
            found[name][0] = match[1]
        elif match := re.match(r"\s+\[default: (.*)\]$", line):
            found[name][1] = match[1]
    return {flag: tuple(told) for flag, told in found.items() if flag != "help"}


def camel(flag):
    return re.sub(r"-(\w)", lambda m: m[1].upper(), flag)


def spoken(value):
    """A value as the operator would be told it."""
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def flags_are_values():
    told = flags()
    config = VALUES["config"]
    named = {camel(flag): flag for flag in told}
    yield from (f"--{named[k]} has no value: write config.{k} into values.yaml and values.schema.json" for k in named if k not in config)
    yield from (f"config.{k} is no flag of `irsa-operator run`" for k in config if k not in named)
    for k in config.keys() & named.keys():
        variable, default = told[named[k]]
        value = "on" if k == "fuse" and config[k] is True else spoken(config[k])
        if value != (default or ""):
            yield f"config.{k} is {value!r}, and the operator's own default {default!r}"
        if variable != "IRSA_" + named[k].upper().replace("-", "_"):
            yield f"--{named[k]} has the variable {variable}"
    # Each gets there: all that are empty by default are given something.
    given = {"clusterId": "c", "issuer": "https://i", "leaderElectNamespace": "n"}
    sets = [f"config.{k}={given.get(k, 'x')}" for k, v in config.items() if v == ""]
    pod = next(o for o in objects(render(HELM4, "--set", ",".join(sets))) if o["kind"] == "Deployment")
    variables = {v["name"] for v in pod["spec"]["template"]["spec"]["containers"][0]["env"]}
    yield from (f"{variable} is not in the Deployment" for variable, _ in told.values() if variable not in variables)


def closed(schema, values, path=()):
    """Every object whose fields the schema lists: (path, fields in the schema, fields in values.yaml)."""
    if schema.get("properties"):
        yield path, schema, set(schema["properties"]), set(values)
        for name, inner in schema["properties"].items():
            if isinstance(values.get(name), dict):
                yield from closed(inner, values[name], (*path, name))


def schema_is_of_values():
    for path, schema, told, there in closed(SCHEMA, VALUES):
        where = ".".join(path) or "the top"
        if schema.get("additionalProperties") is not False:
            yield f"{where}: takes anything"
        missing = there - told
        # resources has none of its own fields by default
        more = told - there - (OF_PARENTS if not path else set()) - ({"claims"} if path == ("resources",) else set())
        if missing or more:
            yield f"{where}: only in values.yaml {sorted(missing)}, only in the schema {sorted(more)}"


def typos_are_refused():
    for path, _, _, _ in closed(SCHEMA, VALUES):
        typo = ".".join((*path, "tpyo"))
        for helm in (HELM3, HELM4):
            done = run(helm, "template", "x", CHART, "--set", f"config.clusterId=a,{typo}=1")
            if done.returncode == 0 or "tpyo" not in done.stderr:
                yield f"{typo} is taken by {helm}: {done.stderr}"


def wrong_values_are_refused():
    for sets, word in {
        "crds.install=true": "config.clusterId",
        "config.clusterId=Prod": "clusterId",
        "config.clusterId=a,config.resync=10": "resync",
        "config.clusterId=a,config.fuse=maybe": "fuse",
        "config.clusterId=a,config.leaderElect=false": "replicas",
        "config.clusterId=a,aws.projectToken=true": "aws.roleArn",
        "config.clusterId=a,aws.roleArn=irsa-operator": "roleArn",
        "config.clusterId=a,serviceAccount.create=false": "serviceAccount.name",
        "config.clusterId=a,serviceAccount.create=false,serviceAccount.name=x,aws.roleArn=arn:aws:iam::111122223333:role/x": "annotation",
        "config.clusterId=a,admission.failurePolicy=Maybe": "failurePolicy",
        "config.clusterId=a,admission.finalizerGroups={it's}": "finalizerGroups",
        "config.clusterId=a,metrics.service=false,metrics.serviceMonitor.enabled=true": "serviceMonitor",
        "config.clusterId=a,metrics.prometheusRule.alerts.IrsaTpyo.enabled=false": "IrsaTpyo",
        "config.clusterId=a,metrics.prometheusRule.alerts.IrsaRoleRecreated.tpyo=false": "tpyo",
        "config.clusterId=a,metrics.prometheusRule.enabled=true,metrics.prometheusRule.alerts.IrsaOperatorNoLeader.threshold=3": "ends in no number",
    }.items():
        for helm in (HELM3, HELM4):
            done = run(helm, "template", "x", CHART, "--set", sets)
            if done.returncode == 0 or word not in done.stderr:
                yield f"--set {sets} with {helm} does not say {word}: {done.stderr}"


def taken_as_a_subchart():
    done = run(HELM4, "template", "x", CHART, "--set", "config.clusterId=a,global.any.thing=1,enabled=true")
    yield done.stderr if done.returncode else None


def golden(values):
    name = values.name.removesuffix("-values.yaml")
    for helm in (HELM3, HELM4):
        done = run(helm, "lint", "--strict", CHART, "--values", values)
        yield f"{helm} lint: {done.stdout}{done.stderr}" if done.returncode else None
    # The definitions are in crds/ already, and 800 lines.
    three, four = (render(helm, "--values", values) for helm in (HELM3, HELM4))
    yield from differences(*({key(o): o for o in objects(side)} for side in (three, four)), names=("Helm 3", "Helm 4"))
    kept = [o for o in objects(four) if o["kind"] != "CustomResourceDefinition"]
    # So are the alerts in config/monitoring.
    for o in kept:
        if o["kind"] == "PrometheusRule":
            o["spec"]["groups"] = [{**group, "rules": group["rules"][:1]} for group in o["spec"]["groups"]]
        if o["kind"] == "ConfigMap":
            o["data"] = {name: text[:2] for name, text in o["data"].items()}
    yield stored(GOLDEN / f"{name}.yaml", "---\n".join(yaml.safe_dump(o, sort_keys=False, width=1000) for o in kept))


# What a chart says about itself on each object, and kustomize does not.
CHARTS_OWN = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")


def bare(o):
    """Without what only the one or the other packaging has on it."""
    o = json.loads(json.dumps(o))
    meta = o["metadata"]
    for names, own in (("labels", (*CHARTS_OWN, "app.kubernetes.io/name", "app.kubernetes.io/instance")), ("annotations", ("helm.sh/resource-policy",))):
        meta[names] = {k: v for k, v in (meta.get(names) or {}).items() if k not in own}
        if not meta[names]:
            del meta[names]
    for container in o.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []) if o["kind"] == "Deployment" else []:
        container["env"] = sorted(container["env"], key=lambda v: v["name"])
    return o


def as_kustomize(folder, *sets):
    """The overlay and the chart with these values are the same objects, but for the Namespace, which is Helm's own."""
    done = run(KUBECTL, "kustomize", ROOT / "config" / folder)
    if done.returncode:
        yield done.stderr
        return
    theirs = {key(o): bare(o) for o in objects(done.stdout) if o["kind"] != "Namespace"}
    ours = {key(o): bare(o) for o in objects(render(HELM4, "--set", ",".join(sets)))}
    yield from differences(ours, theirs, ("chart", f"config/{folder}"))


def operator_of_kustomize():
    """config/operator/operator.yaml: the chart's own, without a cluster id, which an overlay gives."""
    ours = []
    for o in objects(render(HELM4, "--set", "config.clusterId=x,crds.install=false,rbac.create=false,rbac.userRoles=false,admission.enabled=false")):
        if o["kind"] == "ServiceAccount":
            continue
        for name in CHARTS_OWN:
            o["metadata"]["labels"].pop(name)
        text = yaml.safe_dump(o, sort_keys=False, width=1000)
        ours.append(text.replace("name: IRSA_CLUSTER_ID\n          value: x\n", "name: IRSA_CLUSTER_ID\n          value: ''\n"))
    head = "# The operator itself, as charts/irsa-operator renders it: dev/tests/chart_test.sh --update writes this.\n"
    yield stored(ROOT / "config/operator/operator.yaml", head + "---\n".join(ours))


def alerts():
    """The chart's PrometheusRule is files/alerts.yaml, but for what values say; config/monitoring has the same."""
    on = "config.clusterId=x,metrics.prometheusRule.enabled=true"
    rule = lambda *sets: next(o for o in objects(render(HELM4, "--set", ",".join((on, *sets)))) if o["kind"] == "PrometheusRule")
    plain = yaml.safe_load((CHART / "files/alerts.yaml").read_text())
    if rule()["spec"] != plain:
        yield "the rules are not those of files/alerts.yaml"
    of = "metrics.prometheusRule"
    named = f"{of}.alerts.IrsaQuotaNearlyUsed"
    own = rule(f"{named}.threshold=0.95,{named}.for=1h,{named}.severity=page,{of}.alerts.IrsaRoleRecreated.enabled=false",
               f"{of}.alertLabels.team=platform,{of}.runbookUrl=https://wiki.example.com/irsa/,{of}.namespace=monitoring,{of}.labels.release=kps")
    expected = plain["groups"][0]["rules"]
    expected = [r for r in expected if r["alert"] != "IrsaRoleRecreated"]
    for r in expected:
        r["labels"]["team"] = "platform"
        r["annotations"]["runbook_url"] = f'https://wiki.example.com/irsa/{r["alert"]}.md'
        if r["alert"] == "IrsaQuotaNearlyUsed":
            r.update({"for": "1h", "expr": r["expr"].removesuffix("0.8") + "0.95"})
            r["labels"]["severity"] = "page"
    if own["spec"]["groups"][0]["rules"] != expected:
        yield "values do not change the rules as they should"
    if own["metadata"]["namespace"] != "monitoring" or own["metadata"]["labels"]["release"] != "kps":
        yield f'namespace and labels are not those of the values: {own["metadata"]}'


def monitoring_of_kustomize():
    """config/monitoring: what the chart renders of it."""
    kinds = ("ConfigMap", "PrometheusRule", "ServiceMonitor")
    sets = ",".join(("config.clusterId=x", *(f"metrics.{name}.enabled=true" for name in ("dashboard", "prometheusRule", "serviceMonitor"))))
    ours = [o for o in objects(render(HELM4, "--set", sets)) if o["kind"] in kinds]
    yield stored(ROOT / "config/monitoring/dashboard.json", (CHART / "files/dashboard.json").read_text())
    for o in ours:
        if o["kind"] == "ConfigMap":
            continue
        o = json.loads(json.dumps(o))
        for name in CHARTS_OWN:
            o["metadata"]["labels"].pop(name)
        head = "# As charts/irsa-operator renders it: dev/tests/chart_test.sh --update writes this.\n"
        yield stored(ROOT / f'config/monitoring/{o["kind"].lower()}.yaml', head + yaml.safe_dump(o, sort_keys=False, width=1000))
    built = run(KUBECTL, "kustomize", ROOT / "config/monitoring")
    if built.returncode:
        yield built.stderr
    else:
        yield from differences(*({key(o): bare(o) for o in side} for side in (ours, objects(built.stdout))), ("chart", "config/monitoring"))


def copies():
    for theirs, own in (("crds", "files/crds"), ("config/rbac", "files/rbac"), ("config/admission", "files/admission")):
        for copy in sorted((CHART / own).iterdir()):
            # Those of config/admission that are optional have folders of their own.
            original = next((ROOT / theirs).rglob(copy.name), None)
            yield stored(copy, original.read_text()) if original else f"{copy.relative_to(ROOT)} is a copy of nothing"
    policies = {p.name for p in (ROOT / "config/admission").rglob("*.yaml")} - {"kustomization.yaml"}
    if policies != {p.name for p in (CHART / "files/admission").iterdir()}:
        yield "config/admission and the chart's files/admission do not hold the same files"
    definitions = {p.name for p in (ROOT / "crds").glob("irsa-*.yaml")}
    if definitions != {p.name for p in (CHART / "files/crds").iterdir()}:
        yield "crds/ and the chart's files/crds do not hold the same files"


def policies_of_a_release():
    """Under other names: none of those of config/admission is left where it would be another's."""
    given = ("fullnameOverride=mine", "serviceAccount.name=me", "admission.finalizerGroups={a,b}",
             "admission.protectLabels.enabled=true", "admission.protectLabels.groups={c}", "admission.requireUsePermission=true")
    done = run(HELM4, "template", "x", CHART, "--namespace", "home", "--set", ",".join(("config.clusterId=a", *given)))
    found = [o for o in objects(done.stdout) if o["kind"].startswith("ValidatingAdmissionPolicy")]
    if len(found) != 12:
        yield f"{len(found)} objects: {done.stderr}"
    text = json.dumps([o["spec"] for o in found])
    for part, count in {"system:serviceaccount:home:me": 4, "['kube-system', 'home']": 1, "['a', 'b']": 1, "['c']": 1}.items():
        if text.count(part) != count:
            yield f"{part} is there {text.count(part)} times, and not {count}"
    # Beside the API group and what is made of it, and Kubernetes' own.
    for word in ("system:masters", ":irsa-operator", "'irsa-operator'"):
        if word in text:
            yield f"{word} is left"
    names = {o["metadata"]["name"] for o in found}
    if any(not name.startswith("mine-") for name in names) or any(o["spec"].get("policyName", "mine-class") not in names for o in found):
        yield f"names: {sorted(names)}"


def versions():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    yield from (f"Chart.yaml: {k} is {chart[k]}, and the program's {version}" for k in ("version", "appVersion") if chart[k] != version)


def released_with_care():
    path = ROOT / ".github/workflows/release.yaml"
    text = path.read_text()
    # shellcheck is beside kubectl.
    done = run(KINDS, path, env={**os.environ, "PATH": f'{pathlib.Path(KUBECTL).parent}:{os.environ["PATH"]}'})
    yield done.stdout + done.stderr if done.returncode else None
    flow = yaml.safe_load(text)
    if flow["permissions"]:
        yield "the workflow as a whole has permissions"
    for name, job in flow["jobs"].items():
        wide = {k for k, v in job["permissions"].items() if v == "write"}
        if name != "publish" and wide or name == "publish" and wide != {"packages", "id-token", "attestations"}:
            yield f"job {name} may write {sorted(wide)}"
    for action in re.findall(r"uses: (.*)", text):
        if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[0-9.]+", action):
            yield f"{action} is not the hosting's own by its commit"


def packaged():
    """The workflow's own commands, but for the pushing: the chart names the image by its digest."""
    flow = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())
    script = next(step["run"] for step in flow["jobs"]["publish"]["steps"] if step.get("id") == "chart").split("helm4 push")[0]
    digest, version = f"sha256:{'0' * 64}", yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CHART, pathlib.Path(folder) / "charts/irsa-operator")
        script = script.replace("${{ steps.image.outputs.digest }}", digest).replace("helm4", HELM4)
        done = run("bash", "-euo", "pipefail", "-c", script, cwd=folder, env={**os.environ, "IMAGE": "ghcr.io/x/y", "VERSION": version})
        yield done.stdout + done.stderr if done.returncode else None
        done = run(HELM4, "template", "x", pathlib.Path(folder) / f"irsa-operator-{version}.tgz", "--set", "config.clusterId=a")
        if f"image: ghcr.io/x/y@{digest}" not in done.stdout.replace('"', ""):
            yield f"the image is {re.findall('image: .*', done.stdout)} {done.stderr}"


def others_take_it():
    files = [*sorted(GOLDEN.glob("*.yaml")), *sorted((ROOT / "config/monitoring").glob("*.yaml")), *sorted((ROOT / "config/flux").rglob("*.yaml"))]
    done = run(KINDS, *files)
    yield done.stdout + done.stderr if done.returncode else None
    # Else it would have looked at none.
    if int(done.stdout.split()[-5]) < 8:
        yield f"only {done.stdout}"
    for folder in ("flux/operator", "flux/classes"):
        built = run(KUBECTL, "kustomize", ROOT / "config" / folder)
        yield built.stderr if built.returncode else None
    # Values in the examples are values of the chart.
    release = next(o for o in objects((ROOT / "config/flux/operator/release.yaml").read_text()) if o["kind"] == "HelmRelease")
    application = yaml.safe_load((ROOT / "config/argocd/platform/irsa-operator.yaml").read_text())
    for given in (release["spec"]["values"], application["spec"]["source"]["helm"]["valuesObject"]):
        done = subprocess.run([HELM4, "template", "x", CHART, "--values", "-"], input=yaml.safe_dump(given), capture_output=True, text=True)
        yield done.stderr if done.returncode else None


def grafana_takes_it():
    if sys.version_info < (3, 11):
        print("not tried: Grafana's types want Python 3.11")
        return
    sys.dont_write_bytecode = True
    import grafana

    yield from grafana.faults(json.loads((CHART / "files/dashboard.json").read_text()))


check("Grafana knows every field and value of the dashboard, by its own types", grafana_takes_it())
check("Flux and the Prometheus operator know every field", others_take_it())
check("actionlint takes the release workflow, which names actions by commit, and may no more than it must", released_with_care())
check("the release packs a chart that names the image by its digest", packaged())
EKS = ("config.clusterId=prod-eu-1", "config.eksCluster=prod")
check("definitions, rules and policies in the chart are those of crds/, config/rbac and config/admission", copies())
check("admission policies are those of the release", policies_of_a_release())
check("the chart has the program's version", versions())
check("every flag of `irsa-operator run` is a value, with the same default", flags_are_values())
check("the schema lists what values.yaml has", schema_is_of_values())
check("a typo is refused wherever it stands", typos_are_refused())
check("values that can't work are refused, and why is said", wrong_values_are_refused())
check("it may be another chart's dependency", taken_as_a_subchart())
for values in sorted((CHART / "ci").iterdir()):
    check(f"{values.name}: lint, Helm 3 and 4 alike, rendered as stored", golden(values))
check("config/operator is the chart's Deployment", operator_of_kustomize())
check("the alerts are those of files/alerts.yaml, but for what values say", alerts())
check("config/monitoring is the chart's", monitoring_of_kustomize())
check("config/overlays/eks-pod-identity is the chart", as_kustomize("overlays/eks-pod-identity", *EKS))
check("config/overlays/eks-irsa is the chart", as_kustomize("overlays/eks-irsa", *EKS, "aws.roleArn=arn:aws:iam::111122223333:role/platform/irsa-operator"))
check("config/overlays/self-hosted is the chart", as_kustomize(
    "overlays/self-hosted", "config.clusterId=lab", "config.issuer=https://oidc.example.com/lab", "aws.region=eu-west-1",
    "aws.projectToken=true", "aws.roleArn=arn:aws:iam::111122223333:role/irsa-operator"))
print(f"chart: {passed} passed, {failed} failed")
sys.exit(failed > 0)
