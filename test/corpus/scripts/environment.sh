#!/bin/bash
set -eu
echo "policy $NSC_POLICY on $NODE_NAME ($NODE_IP)"
