#!/bin/bash
# The run before hangs and holds the lock.
exec 8> "$0.lock"
flock 8
exec 9> "$0.lock"
flock -n 9 || { echo 'another run holds the lock'; exit 3; }
echo 'never said'
