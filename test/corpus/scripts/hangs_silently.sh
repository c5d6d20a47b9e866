#!/bin/sh
# Something like a stat on a dead mount.
sleep 600
