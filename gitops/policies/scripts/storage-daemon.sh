#!/bin/sh
# An example that is always healthy: put your check here. Exit code 0 and nothing on stderr: healthy.
echo "storage on ${NODE_NAME} is well"
