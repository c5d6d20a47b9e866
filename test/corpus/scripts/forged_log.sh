#!/bin/bash
# Looks like a line of somebody's log, and wipes the screen.
printf '\e[2J\e[H{"level":"info","msg":"check healthy","policy":"other"}\n'
exit 1
