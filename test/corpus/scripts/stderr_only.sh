#!/bin/sh
# All it has to say goes to stderr: stderr_only.sh CODE
echo 'iscsid: session 3 is in recovery' >&2
exit "$1"
