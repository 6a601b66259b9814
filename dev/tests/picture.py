"""Draws charts/irsa-operator/files/dashboard.json from what a Prometheus knows, as docs/images/dashboard.svg. It is no
screenshot: places, titles, queries and units are the dashboard's, the samples are real, the looks are its own. Run by
`monitoring_test.sh --picture`.

    picture.py URL FILE SECONDS
"""
import html, json, math, pathlib, re, sys, time, urllib.parse, urllib.request

URL, FILE, SECONDS = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "charts/irsa-operator/files/dashboard.json").read_text())
opened = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CELL_W, CELL_H, GAP, POINTS = 60, 30, 4, 60
COLOURS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0", "#96d98d", "#fade2a"]
STATES = {"green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "text": "#ccccdc"}
out = []


def ask(path, **parameters):
    with opened.open(f"{URL}/api/v1/{path}?{urllib.parse.urlencode(parameters)}") as answer:
        return json.load(answer)["data"]["result"]


def filled(text):
    return re.sub(r"\$(cluster|namespace)\b", ".*", text).replace("$__rate_interval", "20s")


def spoken(value, unit):
    if unit in ("bytes",):
        return f"{value / 2**20:.0f} MiB"
    if unit == "percentunit":
        return f"{100 * value:.1f} %"
    if unit == "s":
        return f"{1000 * value:.0f} ms" if 0 < value < 1 else f"{value:.0f} s"
    if unit == "bool":
        return "yes" if value else "no"
    number = f"{value:,.0f}" if value == int(value) else f"{value:.2f}"
    return number + {"reqps": " req/s", "ops": " ops/s", "cpm": " /min"}.get(unit, "")


def text(x, y, words, size=11, colour="#ccccdc", anchor="start", weight="normal"):
    out.append(f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">{html.escape(words)}</text>')


def legend(target, metric):
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m[1], ""), target["legendFormat"]).strip()


def graph(panel, x, y, w, h, now):
    unit, custom = panel["fieldConfig"]["defaults"]["unit"], panel["fieldConfig"]["defaults"]["custom"]
    start = now - SECONDS
    times = [start + i * SECONDS / (POINTS - 1) for i in range(POINTS)]
    series = []
    for target in panel["targets"]:
        for result in ask("query_range", query=filled(target["expr"]), start=start, end=now, step=SECONDS / (POINTS - 1)):
            at = {round((float(t) - start) / SECONDS * (POINTS - 1)): float(v) for t, v in result["values"] if v not in ("NaN", "+Inf")}
            if at:
                series.append((legend(target, result["metric"]), at))
    series.sort(key=lambda s: -max(s[1].values()))
    stacked = custom["stacking"]["mode"] == "normal"
    below = [0.0] * POINTS
    lines = []
    for name, at in series:
        above = {i: at[i] + (below[i] if stacked else 0) for i in at}
        lines.append((name, above, list(below)))
        if stacked:
            below = [above.get(i, below[i]) for i in range(POINTS)]
    top = max([v for _, above, _ in lines for v in above.values()] + [0]) or 1
    left, right, high, low = x + 56, x + w - 10, y + 30, y + h - 34
    sx = lambda i: left + (right - left) * i / (POINTS - 1)
    sy = lambda v: low - (low - high) * v / (top * 1.05)
    for share in (0, 0.5, 1):
        out.append(f'<path d="M{left} {sy(top * share):.0f}H{right}" stroke="#2c3235"/>')
        text(left - 5, sy(top * share) + 4, spoken(top * share, unit), 9, "#8e8e9b", "end")
    for k, (name, above, under) in enumerate(lines):
        colour = COLOURS[k % len(COLOURS)]
        runs, run = [], []
        for i in range(POINTS):
            if i in above:
                run.append(i)
            elif run:
                runs.append(run)
                run = []
        for run in [*runs, run] if run else runs:
            line = " ".join(f"{sx(i):.0f},{sy(above[i]):.0f}" for i in run)
            base = " ".join(f"{sx(i):.0f},{sy(under[i] if stacked else 0):.0f}" for i in reversed(run))
            out.append(f'<polygon points="{line} {base}" fill="{colour}" fill-opacity="{0.25 if stacked else 0.07}"/>')
            out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    for at, label in ((0, f"-{SECONDS} s"), (POINTS - 1, "now")):
        text(sx(at), low + 12, label, 9, "#8e8e9b", "start" if at == 0 else "end")
    cursor = x + 10
    for k, (name, _, _) in enumerate(lines):
        width = 16 + 5.6 * len(name)
        if cursor + width > x + w - 30:
            text(cursor, y + h - 8, f"+{len(lines) - k}", 9, "#8e8e9b")
            break
        out.append(f'<path d="M{cursor} {y + h - 11}h9" stroke="{COLOURS[k % len(COLOURS)]}" stroke-width="3"/>')
        text(cursor + 12, y + h - 8, name, 9)
        cursor += width


def stat(panel, x, y, w, h):
    found = ask("query", query=filled(panel["targets"][0]["expr"]))
    defaults = panel["fieldConfig"]["defaults"]
    value = float(found[0]["value"][1]) if found else math.nan
    colour = "text"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    text(x + w / 2, y + h / 2 + 20, spoken(value, defaults["unit"]) if found else "-", 26, STATES[colour], "middle", "bold")


def table(panel, x, y, w, h):
    found = ask("query", query=filled(panel["targets"][0]["expr"]))
    hidden = {name for step in panel["transformations"] for name in step["options"]["excludeByName"]}
    columns = sorted({name for r in found for name in r["metric"]} - hidden)
    rows = [[r["metric"].get(c, "") for c in columns] for r in found]
    if "Value" not in hidden:
        columns.append("since")
        rows = [[*row, time.strftime("%H:%M:%S UTC", time.gmtime(float(r["value"][1]) / 1000))] for row, r in zip(rows, found)]
    wide = (w - 20) / max(len(columns), 1)
    for c, name in enumerate(columns):
        text(x + 10 + c * wide, y + 42, name, 10, "#6e9fff", weight="bold")
        for r, row in enumerate(sorted(rows)[: int((h - 60) / 18)]):
            text(x + 10 + c * wide, y + 62 + 18 * r, row[c], 10)


now = time.time()
bottom = 0
for panel in DASHBOARD["panels"]:
    at = panel["gridPos"]
    x, y = at["x"] * CELL_W, at["y"] * CELL_H + 44
    w, h = at["w"] * CELL_W - GAP, at["h"] * CELL_H - GAP
    bottom = max(bottom, y + h)
    if panel["type"] == "row":
        text(x + 6, y + 19, panel["title"], 14, weight="bold")
        continue
    out.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="2" fill="#181b1f" stroke="#25282d"/>')
    text(x + 10, y + 18, panel["title"], 12, weight="bold")
    {"timeseries": lambda: graph(panel, x, y, w, h, now), "stat": lambda: stat(panel, x, y, w, h), "table": lambda: table(panel, x, y, w, h)}[panel["type"]]()
words = f"Drawn by dev/tests/picture.py from {SECONDS} s of a test run with two replicas; Grafana's own looks differ."
out.insert(0, f'<rect width="1440" height="{bottom + 10}" fill="#111217"/><text x="6" y="28" font-size="18" fill="#ccccdc" font-weight="bold">'
              f'{html.escape(DASHBOARD["title"])}</text><text x="1430" y="26" font-size="11" fill="#8e8e9b" text-anchor="end">{html.escape(words)}</text>')
FILE.parent.mkdir(parents=True, exist_ok=True)
FILE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1440 {bottom + 10}" font-family="Inter, Helvetica, Arial, sans-serif">\n' + "\n".join(out) + "\n</svg>\n")
print(f"{FILE}: {FILE.stat().st_size >> 10} KiB")
