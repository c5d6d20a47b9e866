#!/usr/bin/env bash
set -euo pipefail
trap 'echo "zpool_health: line $LINENO gave up"; exit 3' ERR
status() { return 1; }
health=$(status tank)
echo "tank is $health"
