#!/bin/bash
echo "DISK OK"
exit 0
