#!/bin/bash
# Keeps a log of its own, and waits until all of it is written.
exec > >(tee -a "$0.log") 2>&1
writer=$!
echo 'bcache: writeback 12 % dirty'
echo 'bcache: within limits' >&2
exec >&- 2>&-
wait "$writer"
