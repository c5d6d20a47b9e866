#!/usr/bin/perl
use strict;
use No::Such::Module::OfOurs;
print "SNMP OK\n";
