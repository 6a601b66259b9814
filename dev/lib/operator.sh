# shellcheck shell=bash
# The operator in an environment, for demo and playground: built, installed as a user would, and running as a
# ServiceAccount and an AWS role of its own. Sourced, with the environment's own `env` in force.

# build_operator: as `make test` builds it, so that nothing is built twice. Sets OPERATOR.
build_operator() {
    OPERATOR=${CARGO_TARGET_DIR:-$PWD/target}/debug/irsa-operator
    local log=$IRSA_ENV_DIR/logs/build-operator.log
    if [ ! -x "$OPERATOR" ]; then
        say "building the operator from source: not built yet; about 5 min on 2 cores"
    elif [ -n "$(find src Cargo.toml Cargo.lock -newer "$OPERATOR" -print -quit)" ]; then
        say "building the operator again: its source has changed; about half a minute"
    fi
    cargo build --locked >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "the operator did not build; the whole log: $log"
    }
    # A copy, as a running program must stay what it was.
    cp --reflink=auto "$OPERATOR" "$IRSA_ENV_DIR/bin/irsa-operator"
}

install_operator() {
    show 'kubectl apply -k config/default'
    show 'kubectl wait --for=condition=Established crd/irsabindings.irsa-operator.io crd/irsaclasses.irsa-operator.io'
}

# give_kubernetes_identity: a kubeconfig with nothing in it but a token of the operator's ServiceAccount.
give_kubernetes_identity() {
    export OPERATOR_KUBECONFIG=$IRSA_ENV_DIR/keys/operator.kubeconfig
    # shellcheck disable=SC2016
    show 'TOKEN=$(kubectl create token irsa-operator --namespace irsa-operator --duration 24h)'
    (umask 077 && kubectl config view --raw --minify -o json | jq --arg token "$TOKEN" '.users[0].user = {token: $token}' >"$OPERATOR_KUBECONFIG")
    show "KUBECONFIG=\$OPERATOR_KUBECONFIG kubectl auth whoami -o jsonpath='{.status.userInfo.username}{\"\\n\"}'"
    check 'the operator is a ServiceAccount, no admin' grep -qx system:serviceaccount:irsa-operator:irsa-operator "$OUTPUT"
}

# give_aws_identity: session keys of a role of its own, as a profile. IRSA cannot give them here: it is what the
# operator is about to set up.
give_aws_identity() {
    local trust
    export OPERATOR_AWS=$IRSA_ENV_DIR/keys/operator.aws
    trust="{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"arn:aws:iam::$IRSA_AWS_ACCOUNT:root\"}}]}"
    aws iam create-role --role-name irsa-operator --max-session-duration 43200 --assume-role-policy-document "$trust" >"$OUTPUT"
    # shellcheck disable=SC2016
    show 'irsa-operator iam-policy --cluster-id demo --account "$IRSA_AWS_ACCOUNT" --issuer "$IRSA_ISSUER" \
    --eks-cluster "$AWS_REGION/$IRSA_EKS_CLUSTER" >"$IRSA_ENV_DIR/keys/policy.json"'
    # shellcheck disable=SC2016
    show 'aws iam put-role-policy --role-name irsa-operator --policy-name irsa-operator \
    --policy-document "file://$IRSA_ENV_DIR/keys/policy.json"'
    show_soon "KEYS=\$(aws sts assume-role --role-arn arn:aws:iam::$IRSA_AWS_ACCOUNT:role/irsa-operator \\
    --role-session-name irsa-operator --duration-seconds 43200)"
    # shellcheck disable=SC2016
    show 'jq -r .AssumedRoleUser.Arn <<<"$KEYS"'
    # shellcheck disable=SC2153 # KEYS is set by the command above
    (umask 077 && jq -r '.Credentials | "[default]\naws_access_key_id = \(.AccessKeyId)\naws_secret_access_key = \(.SecretAccessKey)\naws_session_token = \(.SessionToken)"' \
        <<<"$KEYS" >"$OPERATOR_AWS")
}

# launch_operator FLAG...
launch_operator() {
    prompt "irsa-operator run --cluster-id demo --eks-cluster $IRSA_EKS_CLUSTER $*"
    "$DEV/env" launch "$IRSA_ENV_DIR" operator -- env -u IRSA_ISSUER -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
        KUBECONFIG="$OPERATOR_KUBECONFIG" AWS_SHARED_CREDENTIALS_FILE="$OPERATOR_AWS" \
        IRSA_AWS_MIN_RATE=1000 IRSA_AWS_MAX_RATE=1000 \
        irsa-operator run --cluster-id demo --eks-cluster "$IRSA_EKS_CLUSTER" --listen 127.0.0.1:0 "$@"
}
