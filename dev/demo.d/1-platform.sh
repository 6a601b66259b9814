# shellcheck shell=bash
title '1. A Kubernetes control plane and an AWS account, on this machine'
show 'etcd --version | head -n 1; kube-apiserver --version; kube-controller-manager --version'
show "kubectl version | grep -v Kustomize"
# shellcheck disable=SC2016
show 'aws eks describe-cluster --name "$IRSA_EKS_CLUSTER" --query "cluster.{name:name,issuer:identity.oidc.issuer}"'
show 'kubectl get --raw /.well-known/openid-configuration | jq -r .issuer'
check 'the EKS cluster in AWS has the issuer of this API server' grep -qx "$IRSA_ISSUER" "$OUTPUT"
