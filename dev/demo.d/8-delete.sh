# shellcheck shell=bash
title '8. The end'
tell 'Nothing of a deletion begins in its first 10 seconds: too many at once would be held.'
show 'kubectl -n billing delete irsabinding --all --timeout 60s'
check 'the annotation is gone' not_annotated
show_refused "aws iam get-role --role-name $ROLE" NoSuchEntity
check 'no other role is left either' no_role_of_ours
show "kubectl get irsaclass default -o json | jq -r '.status.conditions[] | \"\(.type) \(.status): \(.message)\"'"
show_soon 'aws iam list-open-id-connect-providers --query OpenIDConnectProviderList[].Arn --output text'
check 'the OIDC provider is still there, as the class says: other tools may use it' grep -q "${IRSA_ISSUER#https://}" "$OUTPUT"
show 'kubectl delete -f config/samples --ignore-not-found --timeout 60s'
check 'and nothing else of ours is left in IAM' no_role_of_ours
