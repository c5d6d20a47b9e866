#!/usr/bin/awk -f
BEGIN {
  zombies = 7
  state = zombies >= 5 ? "CRITICAL" : "OK"
  printf "PROCS %s: %d processes in state Z | procs=%d;3;5;0;\n", state, zombies, zombies
  exit state == "OK" ? 0 : 2
}
