#!/bin/sh
[ "${LEVEL-}" = deep ] || { echo 'LEVEL must be deep'; exit 3; }
echo "level $LEVEL, $((THRESHOLD + 1)) allowed"
