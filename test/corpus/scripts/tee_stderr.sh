#!/bin/bash
# Shows whoever watches what it hands on.
set -eo pipefail
state=$(echo 'multipathd: 4 paths, 1 faulty' | tee /dev/stderr | grep -o '[0-9]* faulty')
echo "paths: $state"
