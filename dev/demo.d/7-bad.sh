# shellcheck shell=bash
title '7. Mistakes'
tell 'What the API server refuses:'
for file in dev/demo.d/bad/refused/*.yaml; do
    show_refused "kubectl apply -f $file" 'is invalid|unknown field'
done
tell '' 'What only the operator can know:'
show 'kubectl apply -f dev/demo.d/bad/stalled'
check_soon 20 'a document that is no permissions policy waits for its author' says principal Stalled 'True Invalid'
check_soon 20 'so does an unknown variable' says variable Stalled 'True Invalid'
check_soon 20 'so does a second binding for one ServiceAccount' says second Stalled 'True Conflict'
check_soon 20 'a policy that does not exist is looked for again' says missing-policy Reconciling 'True NotFound'
show 'kubectl -n billing get irsa'
for name in principal variable second missing-policy; do
    show "kubectl -n billing get irsa $name -o json | jq -r '.status.conditions[] | select(.type == \"Ready\").message'"
done
check 'the first binding has not suffered' says invoices Ready 'True Ready'
