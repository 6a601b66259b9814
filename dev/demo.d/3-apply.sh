# shellcheck shell=bash
title '3. What a team commits to Git'
show "sed -n '/^spec/,\$p' config/samples/4-binding.yaml"
show 'kubectl apply -f config/samples'
