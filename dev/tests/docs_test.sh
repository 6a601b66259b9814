#!/usr/bin/env bash
# The shell blocks of README and docs, run as they are printed: each page in an environment of its own, with the operator
# in it, its blocks one after another in one shell.
#
#   dev/tests/docs_test.sh [PAGE]...      by default all that have something to run
#
# The line before a block of `sh` or `console` says what becomes of it; tests/docs refuses one that says nothing:
#   <!-- run -->              it is run. Of a console block the lines after $ are, and what they print has to be what
#                             stands there (… is anything; ages, ids and where lines are broken do not count).
#                             A block of yaml is applied.
#   <!-- run: SCRIPT -->      dev/tests/SCRIPT does it
#   <!-- not run: WHY -->
# What readers need not see, as waiting for something, is run in its place, too:
#   <!-- hidden
#   kubectl wait ...
#   -->
# A page may say with which flags its operator runs, <!-- operator: --settle 1m -->, or that there is none yet: none.
# `helm` takes the chart from here where a registry is named.
set -euo pipefail
DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../lib/common.sh
. "$DEV/lib/common.sh"
cd "$DEV/.."

if [ "${1:-}" != inside ]; then
    [ $# -gt 0 ] || mapfile -t pages < <(grep -lE '^ *<!-- run -->$' README.md docs/*.md charts/*/README.md config/*/README.md)
    [ $# -eq 0 ] || pages=("$@")
    [ ${#pages[@]} -gt 0 ] || die "no page has anything to run"
    failed=()
    for page in "${pages[@]}"; do
        top=$(mktemp -d)
        if "$DEV/env" run "$top/env" -- "$DEV/tests/docs_test.sh" inside "$page" >"$top/said" 2>&1; then
            echo "ok: $page, $(grep -c '^== ' "$top/said") blocks"
            rm -rf "$top"
        else
            tail -n 40 "$top/said" >&2
            say "FAILED: $page; what it left: $top"
            failed+=("$page")
        fi
    done
    echo "docs: $((${#pages[@]} - ${#failed[@]})) passed, ${#failed[@]} failed"
    [ ${#failed[@]} -eq 0 ]
    exit
fi

page=$2 work=$IRSA_ENV_DIR/page
mkdir -p "$work"
flags=$(sed -n 's/^<!-- operator: \(.*\) -->$/\1/p' "$page")
setup() {
    # shellcheck source=../lib/tell.sh
    . "$DEV/lib/tell.sh"
    # shellcheck source=../lib/operator.sh
    . "$DEV/lib/operator.sh"
    build_operator
    [ "$flags" != none ] || return 0
    install_operator
    give_kubernetes_identity
    give_aws_identity
    # shellcheck disable=SC2086 # words
    launch_operator --resync 3s --leader-elect=false ${flags:---settle 3s}
}
(setup) >"$work/setup" 2>&1 || {
    cat "$work/setup"
    exit 1
}
cat >"$IRSA_ENV_DIR/bin/helm" <<HELM
#!/usr/bin/env bash
exec "$("$DEV/helm/build.sh")/helm4" "\${@/oci:*charts/charts}"
HELM
chmod +x "$IRSA_ENV_DIR/bin/helm"
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data
python=$("$DEV/lib/tools.sh")/bin/python
"$python" "$DEV/tests/docs.py" script "$page" "$work" >"$work/script"
# Where files may be written, and the folders of the repository are as in a clone.
mkdir "$work/clone"
ln -s "$PWD"/{charts,config,crds,dev,docs} "$work/clone/"
status=0
# Hidden commands may find the operator's log and the emulator's address in the environment.
(cd "$work/clone" && timeout 300 bash "$work/script" </dev/null) || status=$?
"$python" "$DEV/tests/docs.py" compare "$page" "$work" || status=1
[ $status -eq 0 ] || tail -n 5 "$IRSA_ENV_DIR/logs/operator.log"
exit $status
