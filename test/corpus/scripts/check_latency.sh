#!/bin/sh
# Long output first, the summary last, as some plugins of vendors do it.
i=0
while [ $i -lt 2000 ]; do
  i=$((i + 1))
  echo "sample $i: 1.$i ms"
done
echo "LATENCY CRITICAL - p99 18 ms over 2000 samples | p99=18ms;5;10"
exit 2
