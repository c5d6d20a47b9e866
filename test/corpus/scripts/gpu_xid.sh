#!/bin/bash
# Looks for uncorrectable errors in what the driver logs.
red=$'\e[1;31m' plain=$'\e[0m'
xids=$(awk '/NVRM: Xid/ { print $7 }' <<'LOG'
[  812.1] kernel: pcieport 0000:80:01.1: AER: Corrected error
[ 9121.4] kernel: NVRM: Xid (PCI:0000:81:00): 79, GPU has fallen off the bus.
LOG
)
if [[ -n $xids ]]; then
  echo "${red}[FAIL]${plain} GPU 0000:81:00: Xid ${xids%,}"
  exit 1
fi
echo "[ ok ] no Xid"
