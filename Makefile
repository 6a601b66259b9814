.DEFAULT_GOAL := help
.PHONY: help demo test up down soak bench image image-test

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

demo: ## The whole story on a real control plane and an AWS emulator; cleans up after itself
	@dev/demo

test: ## Build what is missing, run every check and every test
	@dev/test

up: ## The demo's environment with the operator, left running to play with
	@dev/playground up

down: ## End it
	@dev/playground down

soak: ## What takes minutes by nature, and the numbers to hold
	@dev/soak

bench: ## The numbers to hold alone
	@dev/bench

image-test: ## Build the image and start it without a daemon; takes root and ten minutes
	@dev/tests/image_test.sh

image: ## The operator's image for this machine, as an OCI archive in dist/
	@dev/image/build.sh
