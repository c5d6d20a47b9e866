#!/bin/sh
# Device trees end their strings with NUL.
printf 'Example Board Rev 1.2\0'
printf '\n'
