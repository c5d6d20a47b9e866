#!/bin/sh
echo "saved without a last newline"