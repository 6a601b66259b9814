"""Alerts, their tests and their runbook pages. Run by alerts_test.sh.

    alerts.py PROMTOOL
"""
import copy, html, json, pathlib, re, subprocess, sys, tempfile
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "charts/irsa-operator/files/alerts.yaml"
TESTS = ROOT / "tests/alerts/alerts_test.yaml"
PAGES = ROOT / "docs/runbooks"
PROMTOOL = sys.argv[1]
ALERTS = {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
VALUES = yaml.safe_load((ROOT / "charts/irsa-operator/values.yaml").read_text())["metrics"]["prometheusRule"]
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
passed, failed = 0, 0


def check(sentence, faults):
    """Faults are sentences; none is right."""
    global passed, failed
    faults = [fault for fault in faults if fault]
    failed, passed = failed + bool(faults), passed + (not faults)
    print(f"FAILED: {sentence}\n  " + "\n  ".join(faults) if faults else f"ok: {sentence}", flush=True)


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def read_by_prometheus():
    code, said = promtool("check", "rules", RULES)
    yield said if code else None
    code, said = promtool("test", "rules", TESTS)
    yield said if code else None


def with_rules(change):
    """What the tests say where each rule was changed."""
    rules = copy.deepcopy(ALERTS)
    for rule in rules.values():
        change(rule)
    tests = yaml.safe_load(TESTS.read_text())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": list(rules.values())}]}))
        (folder / "tests.yaml").write_text(yaml.safe_dump({**tests, "rule_files": ["rules.yaml"]}))
        return promtool("test", "rules", folder / "tests.yaml")[1]


def tests_can_fail():
    """Each alert has a test that fails where it never fires, one where it always does, and one where it does not wait."""
    for what, change in {
        "never fires": lambda rule: rule.update(expr="vector(0) > 1"),
        "always fires": lambda rule: rule.update(expr="vector(1)", **{"for": "0s"}),
        "does not wait": lambda rule: rule.update({"for": "0s"}),
    }.items():
        said = with_rules(change)
        blamed = set(re.findall(r'alertname=\\"(\w+)\\"', said)) | set(re.findall(r"alertname: (\w+)", said))
        yield from (f"no test of {name} fails where it {what}" for name in ALERTS.keys() - blamed)


def each_has_a_page():
    pages = {path.stem: path.read_text() for path in PAGES.glob("*.md")}
    yield from (f"docs/runbooks/{name}.md is missing" for name in ALERTS.keys() - pages.keys())
    yield from (f"docs/runbooks/{name}.md is no alert's" for name in pages.keys() - ALERTS.keys())
    for name, text in pages.items():
        if not text.startswith(f"# {name}\n") or re.findall(r"^## (.*)", text, re.M) != SECTIONS:
            yield f"{name}.md: has not the title {name} and the sections {SECTIONS}"
        for section in re.split(r"^## .*\n", text, flags=re.M)[1:]:
            if len(section.strip()) < 40:
                yield f"{name}.md: a section says nothing"
        if not re.search(r"^```", text, re.M):
            yield f"{name}.md: no command"
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not link.startswith("http") and not (PAGES / link).exists():
                yield f"{name}.md: {link} is not there"


def each_says_what_it_must():
    for name, rule in ALERTS.items():
        if set(rule) != {"alert", "expr", "for", "labels", "annotations"} or set(rule["annotations"]) != {"summary", "description", "runbook_url"}:
            yield f"{name}: has other fields than the others"
        if rule["annotations"]["runbook_url"] != f'{VALUES["runbookUrl"]}/{name}.md':
            yield f"{name}: runbook_url is not metrics.prometheusRule.runbookUrl and its page"
        if rule["labels"].get("severity") not in ("critical", "warning", "info") or len(rule["labels"]) > 1:
            yield f"{name}: labels are {rule['labels']}"
        # A label that the expression does not keep is empty in the text.
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", rule["expr"]))))
        told = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        yield from (f"{name}: {label} is in no by (...)" for label in told - kept)


def the_list_is_complete():
    """The table in docs/monitoring.md."""
    listed = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| .+ \| (\w+) \|$", (ROOT / "docs/monitoring.md").read_text(), re.M)
    wanted = [(name, name, rule["labels"]["severity"], rule["for"]) for name, rule in ALERTS.items()]
    if listed != wanted:
        yield f"docs/monitoring.md has {sorted(set(listed) - set(wanted))} and lacks {sorted(set(wanted) - set(listed))}, or in another order"


def the_docs_scrape():
    """The scrape_configs in docs/monitoring.md, by which a Prometheus would start."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/monitoring.md").read_text(), re.M | re.S)
    config = yaml.safe_load(next(b for b in blocks if b.startswith("scrape_configs")))
    # Debian's Prometheus is built without it.
    if config["scrape_configs"][0].pop("kubernetes_sd_configs") != [{"role": "pod", "namespaces": {"names": ["irsa-operator"]}}]:
        yield "which Pods are scraped is not what this test knows"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "alerts.yaml").write_text(RULES.read_text())
        pathlib.Path(folder, "prometheus.yaml").write_text(yaml.safe_dump(config))
        code, said = promtool("check", "config", pathlib.Path(folder, "prometheus.yaml"))
    yield said if code or f"{len(ALERTS)} rules found" not in said else None


def the_picture_is_of_this_dashboard():
    drawn = set(re.findall(r"<text[^>]*>([^<]*)</text>", (ROOT / "docs/images/dashboard.svg").read_text()))
    panels = json.loads((ROOT / "charts/irsa-operator/files/dashboard.json").read_text())["panels"]
    missing = {html.escape(panel["title"]) for panel in panels} - drawn
    if missing:
        yield f"docs/images/dashboard.svg lacks {sorted(missing)}: dev/tests/monitoring_test.sh --picture draws it anew"


def metrics():
    """{name: labels} of docs/metrics.md, which a test keeps equal to the program."""
    found = {}
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \|", (ROOT / "docs/metrics.md").read_text(), re.M):
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + suffix] = set(re.findall(r"\w+", labels)) | ({"le"} if suffix == "_bucket" else set())
    return found


def names_what_there_is(expressions):
    known = metrics()
    for where, text in expressions:
        for name, matchers in re.findall(r"\b((?:irsa_operator|process)_\w+)(\{[^}]*\})?", text):
            if name not in known:
                yield f"{where}: {name} is no metric"
                continue
            for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers):
                if label not in known[name] | {"cluster", "namespace", "job", "instance", "pod"}:
                    yield f"{where}: {name} has no label {label}"


def in_pages():
    for path in sorted(PAGES.glob("*.md")):
        for block in re.findall(r"^```promql\n(.*?)^```", path.read_text(), re.M | re.S):
            yield from ((path.name, line) for line in block.splitlines())


def pages_ask_what_prometheus_understands():
    rules = [{"record": f"r{number}", "expr": line} for number, (_, line) in enumerate(in_pages())]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}, file)
        file.flush()
        code, said = promtool("check", "rules", file.name)
    yield said if code else None
    yield None if len(rules) >= 8 else "there are no queries in the pages"


def all_throttles_count():
    """What src/aws/classify.rs calls throttled is what IrsaOperatorThrottled counts."""
    codes = re.findall(r'\("(\w+)", Category::(\w+)\)', (ROOT / "src/aws/classify.rs").read_text())
    pattern = re.search(r'result=~"([^"]*)"', ALERTS["IrsaOperatorThrottled"]["expr"])[1]
    for code, category in codes:
        if bool(re.fullmatch(pattern, code)) != (category == "Throttled"):
            yield f"{code} is {category}"


def all_reasons_count():
    """IrsaBindingNotReady has each reason on just one of its two sides, and none that src/api/reason.rs does not have."""
    known = set(re.findall(r'pub const \w+: &str = "(\w+)"', (ROOT / "src/api/reason.rs").read_text()))
    for name, rule in ALERTS.items():
        for listed in re.findall(r'reason(?:=~|!~|!=|=)"([^"]*)"', rule["expr"]):
            yield from (f"{name}: {reason} is no reason" for reason in set(listed.split("|")) - known)
    apart = set(re.findall(r'reason[=!]~"([^"]*)"', ALERTS["IrsaBindingNotReady"]["expr"]))
    yield None if len(apart) == 1 else f"IrsaBindingNotReady: {apart} differ"


def the_schema_knows_them():
    schema = json.loads((ROOT / "charts/irsa-operator/values.schema.json").read_text())
    rule = schema["properties"]["metrics"]["properties"]["prometheusRule"]["properties"]["alerts"]
    if rule["propertyNames"]["enum"] != list(ALERTS):
        yield f"propertyNames of metrics.prometheusRule.alerts in values.schema.json is to be {json.dumps(list(ALERTS))}"


check("promtool reads the rules, and its tests pass", read_by_prometheus())
check("each alert is tried both ways", tests_can_fail())
check("each alert says what it must", each_says_what_it_must())
check("each alert has a runbook page, and each page an alert", each_has_a_page())
check("docs/monitoring.md lists each alert", the_list_is_complete())
check("Prometheus reads what docs/monitoring.md says", the_docs_scrape())
check("the picture in docs/monitoring.md has all of the dashboard's panels", the_picture_is_of_this_dashboard())
check("alerts and pages name metrics and labels that there are", names_what_there_is([*((n, r["expr"]) for n, r in ALERTS.items()), *in_pages()]))
check("Prometheus understands what the pages ask", pages_ask_what_prometheus_understands())
check("every code of a throttled call counts", all_throttles_count())
check("every reason that is named exists", all_reasons_count())
check("the chart's schema knows each alert by name", the_schema_knows_them())
print(f"alerts: {passed} passed, {failed} failed")
sys.exit(failed > 0)
