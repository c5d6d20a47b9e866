#!/bin/bash
set -eE
trap 'echo "kubelet_config: failed in line $LINENO"; exit 2' ERR
check() {
  grep -q '^evictionHard' <<< 'imageGCHighThresholdPercent: 85'
}
check
echo 'kubelet_config: ok'
