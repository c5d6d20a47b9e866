#!/bin/bash
# Arguments come as they are: no shell has a say in them.
printf '%s;' "$@"
echo
