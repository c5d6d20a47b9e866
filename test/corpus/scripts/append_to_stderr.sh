#!/bin/bash
set -e
echo 'dmsetup: two tables' >> /dev/stderr
echo 'dmsetup: both live' >> /dev/stdout
