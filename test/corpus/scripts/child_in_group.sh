#!/bin/sh
sleep 600 > /dev/null 2>&1 &
echo 'collector started'
