#!/bin/bash
trap '' TERM INT HUP
echo 'cannot be interrupted'
while :; do sleep 1; done
