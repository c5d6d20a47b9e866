#!/bin/sh
# Counts drives that are not online, from the controller's table.
bad=$(sed -n '/^[0-9]/p' <<'TABLE' | awk '$3 != "Onln" { printf "%s%s=%s", sep, $1, $3; sep = " " }'
EID:Slt DID State DG Size Intf
252:0    11 Onln   0 3.637 TB SAS
252:1    12 Failed 0 3.637 TB SAS
252:2    13 Rbld   0 3.637 TB SAS
TABLE
)
[ -z "$bad" ] && { echo 'RAID optimal'; exit 0; }
echo "RAID degraded: $bad"
exit 2
