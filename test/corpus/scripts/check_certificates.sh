#!/bin/sh
# A monitoring plugin that takes its states from the library beside it.
PROGPATH=$(dirname "$0")
. "$PROGPATH/lib/states.sh"
printf 'CERT WARNING: apiserver-kubelet-client expires in 12 days|days=12;30;7\n'
exit "$STATE_WARNING"
