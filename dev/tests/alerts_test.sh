#!/usr/bin/env bash
# The alerts: read and tried by promtool, each with a runbook page. Needs no cluster.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

venv=$("$DEV/lib/tools.sh")
prometheus=$("$DEV/lib/prometheus.sh")
exec "$venv/bin/python" "$DEV/tests/alerts.py" "$prometheus/promtool"
