#!/bin/sh
# Locks as they were made before flock.
lock=$0.lock.d
mkdir "$lock" || exit 3
trap 'rmdir "$lock"' EXIT
echo $$ > "$lock/pid"
kill -0 "$(cat "$lock/pid")" && echo 'pid file is ours'
rm "$lock/pid"
