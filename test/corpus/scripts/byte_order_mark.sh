#!/bin/sh
echo "DISK OK"
