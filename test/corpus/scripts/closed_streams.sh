#!/bin/sh
# Wants to be quiet by all means.
exec >&- 2>&-
ls /no/such/directory/of/ours
exit 0
