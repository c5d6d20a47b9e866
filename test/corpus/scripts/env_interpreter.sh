#!/usr/bin/env vendor-shell-of-no-image
echo OK
