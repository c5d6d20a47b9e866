#!/bin/sh
# The child holds on to both streams.
sleep 600 &
echo 'watcher started'
exit 1
