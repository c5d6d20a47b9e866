#!/bin/bash
# Counts what is bad and hands on the number; the operating system keeps eight bits of it.
bad=256
echo "$bad blocks are bad"
exit $bad
