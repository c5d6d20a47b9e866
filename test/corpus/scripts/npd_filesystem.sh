#!/bin/sh
# Prints nothing but its one message, and no newline after it.
printf 'EXT4-fs error (device sda1): remounted read-only'
exit 1
