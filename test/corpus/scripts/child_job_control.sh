#!/bin/bash
# Job control gives the child a process group of its own.
set -m
sleep 20 > /dev/null 2>&1 &
echo 'job control is on'
exit 2
