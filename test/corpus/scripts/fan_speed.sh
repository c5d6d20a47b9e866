#!/bin/sh
# Progress on one line, for whoever sits before it.
printf 'reading fans: 1/3\rreading fans: 2/3\rreading fans: 3/3\rfan 2: 0 rpm      \n'
exit 1
