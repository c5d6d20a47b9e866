#!/bin/bash
# Colours for people at a terminal only; tput knows none here.
bold=$(tput bold 2> /dev/null)
[[ -t 1 ]] && bold=$'\e[1m'
[[ -t 0 ]] && read -r -p 'Press return: '
echo "${bold}kernel: not tainted"
