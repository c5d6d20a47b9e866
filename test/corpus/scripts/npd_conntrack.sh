#!/bin/bash
# A plugin of node-problem-detector: 0 is fine, 1 is a problem, anything else is unknown.
readonly OK=0 NONOK=1 UNKNOWN=2
count=$1 max=$2
[[ -n $max ]] || { echo 'conntrack table: no limit is readable'; exit $UNKNOWN; }
if ((count * 100 / max > 90)); then
  echo "Conntrack table usage over 90%: $count out of $max"
  exit $NONOK
fi
exit $OK
