#!/usr/bin/env -S perl -w -T
print "taint mode: ${^TAINT}\n";
