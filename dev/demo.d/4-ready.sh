# shellcheck shell=bash
title '4. The role is there'
show 'kubectl -n billing wait --for=condition=Ready irsabinding/invoices --timeout 60s'
show 'kubectl -n billing get irsa'
check_soon 10 'it is told as an Event' told RoleCreated
show 'kubectl -n billing get events -o custom-columns=REASON:.reason,MESSAGE:.message \
    --field-selector involvedObject.kind=IrsaBinding --sort-by .metadata.creationTimestamp'
show 'kubectl -n billing get serviceaccount invoices -o yaml' 6
check 'the ServiceAccount names the role' annotated
show_soon "aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument.Statement" 30
check 'it trusts this ServiceAccount only, and only with a token for AWS' in_iam \
    '[.trust.Statement[].Condition.StringEquals[]] | sort == ["sts.amazonaws.com", "system:serviceaccount:billing:invoices"]'
show_soon "aws iam list-attached-role-policies --role-name $ROLE --query AttachedPolicies[].PolicyArn --output text"
show_soon "aws iam list-role-policies --role-name $ROLE --query PolicyNames --output text"
check 'exactly the policies of the binding are on it' \
    in_iam "(.attached | sort) == [\"$SQS\", \"$SSM\"] and (.inline | keys) == [\"bucket\"]"
tell 'What the operator has written to AWS for it, by the journal of the emulator:'
tell "  $DIM$(writes_of_operator | paste -sd ' ')$PLAIN"
check 'one call for the provider, one for the role, one for each policy' test "$(writes_of_operator | wc -l)" = 5
