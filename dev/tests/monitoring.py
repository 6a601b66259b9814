"""What dashboard and alerts ask, asked of a Prometheus that scrapes the operator. Run by monitoring_test.sh.

    monitoring.py URL
"""
import json, pathlib, re, sys, time, urllib.error, urllib.parse, urllib.request
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "charts/irsa-operator/files"
URL = sys.argv[1]
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
ALERTS = [rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# Labels by the list of all metrics: where one is empty, Prometheus takes it for one that is not there.
LISTED = {
    metric: set(re.findall(r"\w+", labels))
    for metric, labels in re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.M)
}
opened = urllib.request.build_opener(urllib.request.ProxyHandler({}))
passed, failed = 0, 0


def check(sentence, faults):
    """Faults are sentences; none is right."""
    global passed, failed
    faults = [fault for fault in faults if fault]
    failed, passed = failed + bool(faults), passed + (not faults)
    print(f"FAILED: {sentence}\n  " + "\n  ".join(faults) if faults else f"ok: {sentence}", flush=True)


def ask(path, **parameters):
    try:
        with opened.open(f"{URL}/api/v1/{path}?{urllib.parse.urlencode(parameters)}") as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def filled(text):
    """As Grafana fills in variables where all is chosen."""
    return re.sub(r"\$(cluster|namespace)\b", ".*", text).replace("$__rate_interval", "10s")


def results(target):
    query = filled(target["expr"])
    if target.get("instant"):
        return ask("query", query=query)["result"]
    now = time.time()
    return ask("query_range", query=query, start=now - 30, end=now, step=1)["result"]


def panels_answer():
    for panel in PANELS:
        for target in panel["targets"]:
            where = f'{panel["title"]} {target["refId"]}'
            try:
                found = results(target)
            except ValueError as error:
                yield f"{where}: {error}"
                continue
            numbers = [v for r in found for _, v in r.get("values", [r.get("value")]) if v != "NaN"]
            if not numbers:
                yield f"{where}: no data: {target['expr']}"
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                # An empty label, as of bindings without a class, is none to Prometheus.
                if not any(label in r["metric"] for r in found):
                    yield f"{where}: a legend without {label}"
            if len({json.dumps(r["metric"], sort_keys=True) for r in found}) > 1 and panel["type"] == "stat":
                yield f"{where}: more than one number"


def panels_are_told():
    seen = set()
    for panel in PANELS:
        title, defaults = panel["title"], panel["fieldConfig"]["defaults"]
        if len(panel.get("description", "")) < 15 or not panel["description"].endswith("."):
            yield f"{title}: no description"
        if not defaults.get("unit"):
            yield f"{title}: no unit"
        if panel["datasource"]["uid"] != "${datasource}" or any(t["datasource"]["uid"] != "${datasource}" for t in panel["targets"]):
            yield f"{title}: another data source"
        if any("$cluster" not in t["expr"] or "$namespace" not in t["expr"] for t in panel["targets"]):
            yield f"{title}: does not heed the variables"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    yield None if len(set(ids)) == len(ids) else "ids are not unique"
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if cells & seen or at["x"] + at["w"] > 24:
            yield f'{panel["title"]}: lies over another'
        seen |= cells


def variables_are_found():
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            series = ask("series", **{"match[]": filled(metric)})
            # One cluster alone has no label of that name.
            if not series or not (label == "cluster" or all(label in s for s in series)):
                yield f'{variable["name"]}: nothing found'


def rules_are_well():
    rules = {rule["name"]: rule for group in ask("rules")["groups"] for rule in group["rules"]}
    for alert in ALERTS:
        rule = rules[alert["alert"]]
        if rule["health"] != "ok":
            yield f'{alert["alert"]}: {rule["health"]} {rule.get("lastError", "")}'
        for one in rule["alerts"]:
            for text in one["annotations"].values():
                if "error expanding" in text or "<no value>" in text:
                    yield f'{alert["alert"]}: {text}'
    # What goes on here; none is long enough for more.
    active = {name for name, rule in rules.items() if rule["alerts"]}
    wanted = {"IrsaBindingNotReady", "IrsaRolesOrphaned", "IrsaOperatorCallsDenied"}
    if wanted - active:
        yield f"{wanted - active} should wait to fire, and {active} do"
    # With two replicas, one of which works. A scrape may have met one that was about to start, which the next forgets.
    never = {"IrsaOperatorAbsent", "IrsaOperatorNoLeader", "IrsaOperatorManyLeaders", "IrsaOperatorWatchDown", "IrsaClassNotReady",
             "IrsaClassUnwatched", "IrsaClusterIdentityConflict", "IrsaOperatorBacklog", "IrsaQuotaNearlyUsed", "IrsaOperatorThrottled"}
    deadline = time.monotonic() + 30
    while never & active and time.monotonic() < deadline:
        time.sleep(1)
        active = {rule["name"] for group in ask("rules")["groups"] for rule in group["rules"] if rule["alerts"]}
    never &= active
    if never:
        yield f"{never} fire, and nothing of the kind goes on"


def alerts_ask_for_what_there_is():
    for alert in ALERTS:
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", alert["expr"])))) - {"cluster"}
        labels = set()
        for metric, matchers in re.findall(r"\b(irsa_operator_\w+)(\{[^}]*\})?", alert["expr"]):
            series = ask("query", query=metric)["result"]
            if not series:
                yield f'{alert["alert"]}: no {metric}'
            for label in re.findall(r"(\w+)(?:=~|!~|!=|=)", matchers):
                if not all(label in s["metric"] for s in series):
                    yield f'{alert["alert"]}: {metric} without {label}'
            labels |= {label for s in series for label in s["metric"]} | LISTED.get(metric, set())
        if kept - labels:
            yield f'{alert["alert"]}: groups by {kept - labels}, which no series has'


check("every panel has a title, a unit, a description and a place", panels_are_told())
check("every query of the dashboard is answered with data, and its legend is there", panels_answer())
check("the dashboard's variables find something", variables_are_found())
check("every alert is evaluated, and none fires that should not", rules_are_well())
check("metrics and labels of the alerts exist", alerts_ask_for_what_there_is())
print(f"dashboard: {passed} passed, {failed} failed")
sys.exit(failed > 0)
