#!/usr/bin/env bash
# The peer: the kind of wrapper this project replaces. Every period it runs the check and asks the API server what it
# cannot remember: whether the node is cordoned, tainted, drained.
#   kubectl-wrapper.sh CHECK NODE PERIOD_SECONDS    (KUBECONFIG and KUBECTL say the rest)
check=$1 node=$2 period=$3
while true; do
  "$check" && echo OK || echo FAIL
  "$KUBECTL" get node "$node" -o jsonpath='{.spec.unschedulable}' >/dev/null
  "$KUBECTL" get node "$node" -o jsonpath='{.spec.taints}' >/dev/null
  "$KUBECTL" get node "$node" -o jsonpath='{.metadata.annotations}' >/dev/null
  sleep "$period"
done
