#!/usr/bin/perl -w
use strict;
my %code = (OK => 0, WARNING => 1, CRITICAL => 2, UNKNOWN => 3);
my $offset = 0.0423;
my $state = $offset > 0.5 ? 'CRITICAL' : $offset > 0.1 ? 'WARNING' : 'OK';
printf "NTP %s: Offset %.4f secs | offset=%.6fs;0.1;0.5;\n", $state, $offset, $offset;
exit $code{$state};
