# shellcheck shell=bash
title "6. Drift: changes behind the operator's back"
show "aws iam detach-role-policy --role-name $ROLE --policy-arn $SQS"
await 20 'the policy is attached again' in_iam ".attached | index(\"$SQS\")"
tick "attached again, by AWS's journal $(seconds_between DetachRolePolicy AttachRolePolicy) later"
show "aws iam update-assume-role-policy --role-name $ROLE --policy-document '{\"Version\": \"2012-10-17\",
    \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"AWS\": \"*\"}}]}'"
await 20 'the trust policy is what it was' in_iam '.trust.Statement[0].Action == "sts:AssumeRoleWithWebIdentity"'
tick "written back, $(seconds_between UpdateAssumeRolePolicy UpdateAssumeRolePolicy) later"
show 'kubectl -n billing annotate serviceaccount invoices eks.amazonaws.com/role-arn-'
await 20 'the annotation is there again' annotated
tick "annotated again, $TOOK"
check_soon 10 'each is told as an Event' told DriftCorrected 3
show 'kubectl -n billing get events -o custom-columns=REASON:.reason,MESSAGE:.message \
    --field-selector involvedObject.kind=IrsaBinding --sort-by .metadata.creationTimestamp'
