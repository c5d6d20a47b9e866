#!/bin/sh
# Exit code 0 and nothing on stderr: healthy. Any other exit code: failed.
echo "node ${NODE_NAME} is well"
