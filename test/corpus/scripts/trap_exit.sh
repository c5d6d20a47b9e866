#!/bin/bash
# Cleans up after itself, and keeps the exit code.
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"; echo "work removed"' EXIT
echo 'write test of /tmp: ok' | tee "$work/probe"
cmp -s "$work/probe" <(echo 'write test of /tmp: ok')
