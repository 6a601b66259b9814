# shellcheck shell=bash disable=SC2016
title '5. The proof: a token of that ServiceAccount becomes AWS credentials'
show 'TOKEN=$(kubectl -n billing create token invoices --audience sts.amazonaws.com)'
show_soon "aws sts assume-role-with-web-identity --role-session-name proof --web-identity-token \"\$TOKEN\" \\
    --role-arn $ROLE_ARN --query AssumedRoleUser.Arn"
check 'it is the role' grep -q "assumed-role/$ROLE/proof" "$OUTPUT"
tell 'And any other ServiceAccount:'
show 'TOKEN=$(kubectl -n billing create token default --audience sts.amazonaws.com)'
show_refused "aws sts assume-role-with-web-identity --role-session-name proof --web-identity-token \"\$TOKEN\" \\
    --role-arn $ROLE_ARN" AccessDenied
