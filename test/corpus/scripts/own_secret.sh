#!/bin/sh
# Its policy wants no words of it: they hold what nobody should read.
echo 'token: 8f3a'
exit 1
