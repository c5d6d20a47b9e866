#!/bin/bash
# One at a time, by a lock file beside it.
exec 9> "$0.lock"
flock -n 9 || { echo 'another run holds the lock'; exit 3; }
echo 'lock taken and given back'
