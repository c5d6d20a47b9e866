#!/bin/bash
# What it asks is killed, by the OOM killer say; the script itself goes on and hands on 137.
output=$(bash -c 'echo "reading the journal"; kill -9 $$')
code=$?
echo "journal: $output"
exit $code
