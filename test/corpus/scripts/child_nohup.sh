#!/bin/bash
nohup sleep 600 > /dev/null 2>&1 &
disown
echo 'left to itself'
