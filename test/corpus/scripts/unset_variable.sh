#!/bin/bash
set -u
echo "limit is $LIMIT_OF_OURS"
echo 'never said'
