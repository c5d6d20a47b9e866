#!/bin/bash
set -euo pipefail
printf 'sda 0\nsdb 3\n' | grep sdc | awk '{ print "errors of sdc: " $2 }'
echo 'no errors'
