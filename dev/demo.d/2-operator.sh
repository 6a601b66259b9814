# shellcheck shell=bash
title '2. The operator: a ServiceAccount in Kubernetes, a role of its own in AWS'
install_operator
give_kubernetes_identity
give_aws_identity
launch_operator --resync 3s --settle 3s --leader-elect=false
tell '(the first two only make step 6 short: the usual 2m and 90s suit an AWS that is real; the last: it is alone)'
check_soon 10 'it runs' grep -q 'irsa-operator starts' "$IRSA_ENV_DIR/logs/operator.log"
