#!/bin/sh
set -e
echo 'mount /data: read-only' > /dev/stdout
exit 1
