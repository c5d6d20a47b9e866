#!/usr/bin/awk -f
# Reads its own sample of /proc/mdstat: awk programs get no input from the agent.
BEGIN {
  sample = "md0 : active raid1 sdb1[1] sda1[0]|      976630336 blocks super 1.2 [2/2] [UU]"
  count = split(sample, lines, "|")
  for (i = 1; i <= count; i++) if (lines[i] ~ /\[U*_U*\]/) bad++
  print bad ? "md: degraded" : "md: all arrays complete"
  exit bad ? 1 : 0
}
