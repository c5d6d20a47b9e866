#!/bin/bash
# Somebody left the tracing on.
set -x
load=1.5
[[ ${load%.*} -lt 8 ]]
echo "load $load"
