#!/bin/sh
test -S /run/no-such-daemon.sock
