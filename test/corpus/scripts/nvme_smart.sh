#!/bin/bash -e
# -e stands in the first line, as many have it; the condition that ends it is silent.
wear=$(printf '%s\n' 'percentage_used : 103%' | tr -dc '0-9')
echo "nvme0n1: $wear% of its life used"
[ "$wear" -lt 100 ]
echo 'nvme0n1: ok'
