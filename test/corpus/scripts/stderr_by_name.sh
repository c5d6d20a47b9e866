#!/bin/bash
set -e
echo 'probing /dev/nvme0' > /dev/stderr
exit 0
