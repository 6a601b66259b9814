"""What Grafana would make of a dashboard, by Grafana's own types: fields that it does not know, and values that are none."""
import enum, json, types, typing
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# Grafana's editor writes it, and nothing reads it.
EDITORS = {"definition"}


def unknown(ours, theirs, where):
    """What is lost where Grafana's types read it and write it again."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() - EDITORS:
            yield from unknown(ours[name], theirs[name], f"{where}.{name}") if name in theirs else [f"{where}.{name} is not known"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, pair in enumerate(zip(ours, theirs)):
            yield from unknown(*pair, f"{where}[{at}]")
    elif ours != theirs:
        yield f"{where}: {ours!r} becomes {theirs!r}"


def unfit(value, kind, where):
    """Types are not looked at in the reading."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(value, dict) and hasattr(kind, "from_json"):
        value = kind.from_json(value)
    if kind in (typing.Any, object):
        kind = type(value)  # as of options, which are what the panel's type says
        if not hasattr(value, "to_json"):
            return
    if origin in (typing.Union, types.UnionType):
        faults = [list(unfit(value, one, where)) for one in inside]
        if all(faults):
            # Of what comes nearest.
            yield from max(faults, key=lambda one: len(one[0].split(" ")[0]))
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield f"{where} is {value!r}"
        elif origin is list:
            for at, item in enumerate(value):
                yield from unfit(item, inside[0], f"{where}[{at}]")
        else:
            for name, item in value.items():
                yield from unfit(item, inside[1], f"{where}.{name}")
    elif origin is typing.Literal or issubclass(kind, enum.Enum):
        known = inside or [one.value for one in kind]
        if value not in known:
            yield f"{where} is {value!r}, and not of {known}"
    elif not isinstance(value, (int, float) if kind is float else kind) or kind in (int, float) and isinstance(value, bool):
        yield f"{where} is {value!r}"
    elif hasattr(kind, "from_json"):
        for name, one in typing.get_type_hints(kind).items():
            if getattr(value, name) is not None:
                yield from unfit(getattr(value, name), one, f"{where}.{name}")


def faults(dashboard):
    register_default_plugins()
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    read = Dashboard.from_json(dashboard)
    # Options of a panel whose type it does not know are taken as they are.
    for panel in read.panels:
        if not hasattr(getattr(panel, "options", None), "to_json") and getattr(panel, "type_val", "row") != "row":
            yield f"panel {panel.title}: no such type: {panel.type_val}"
    if not panels:
        yield "no panels"
    yield from unknown(dashboard, json.loads(JSONEncoder().encode(read)), "dashboard")
    yield from unfit(read, Dashboard, "dashboard")
