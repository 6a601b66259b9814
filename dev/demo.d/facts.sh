# shellcheck shell=bash
# shellcheck disable=SC2034 # the steps use them
# Questions to the cluster and to AWS, answered quickly: what the story's checks are made of. Sourced.

ROLE=demo_billing_invoices
ROLE_ARN=arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa/$ROLE
SQS=arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess
SSM=arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess

# emulator PATH: the emulator's own interface, which needs no signature and is in no journal.
emulator() { curl --silent --show-error --fail --noproxy '*' --max-time 5 "$AWS_ENDPOINT_URL/_admin/$1"; }

# in_iam FILTER: whether the jq filter holds of the role.
in_iam() { emulator "state/roles?account=$IRSA_AWS_ACCOUNT&name=$ROLE" | jq -e ".roles[0] | $1"; }

# our_roles: those under the class's path.
our_roles() { emulator "state/roles?account=$IRSA_AWS_ACCOUNT&path=/irsa/" | jq -r '.roles[].name'; }
no_role_of_ours() { [ -z "$(our_roles)" ]; }

# writes_of_operator: its calls that change something, by AWS's journal.
writes_of_operator() {
    emulator "journal?account=$IRSA_AWS_ACCOUNT&principal=*assumed-role/irsa-operator/*" |
        jq -r '.calls[].operation | select(test("^(Get|List|Describe)") | not)'
}

# seconds_between DEED REPAIR: from the admin's last call of the first to the operator's last of the second.
seconds_between() {
    local journal took
    journal=$(emulator "journal?account=$IRSA_AWS_ACCOUNT&operation=$1,$2")
    last() { date -d "$(jq -r --arg operation "$1" --arg who "$2" '[.calls[] | select(.operation == $operation and (.principal | test($who)))][-1].time' <<<"$journal")" +%s%3N; }
    took=$(($(last "$2" assumed-role/irsa-operator/) - $(last "$1" user/admin)))
    printf '%d.%d s\n' $((took / 1000)) $((took % 1000 / 100))
}

annotation() { kubectl -n billing get serviceaccount invoices -o jsonpath='{.metadata.annotations.eks\.amazonaws\.com/role-arn}'; }
annotated() { [ "$(annotation)" = "$ROLE_ARN" ]; }
not_annotated() { [ -z "$(annotation)" ]; }

# condition BINDING TYPE: "STATUS REASON".
condition() {
    kubectl -n billing get irsabinding "$1" -o json |
        jq -r --arg type "$2" '.status.conditions[]? | select(.type == $type) | "\(.status) \(.reason)"'
}
says() { [ "$(condition "$1" "$2")" = "$3" ]; }

# told REASON [N]: whether so many Events have it.
told() {
    kubectl -n billing events --for irsabinding/invoices -o json |
        jq -e --arg reason "$1" --argjson count "${2:-1}" '[.items[] | select(.reason == $reason) | .series.count // .count // 1] | add >= $count'
}
