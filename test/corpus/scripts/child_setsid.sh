#!/bin/bash
# Out of the group and with both streams, but not for long.
setsid sleep 20 &
echo 'daemon asked to start'
