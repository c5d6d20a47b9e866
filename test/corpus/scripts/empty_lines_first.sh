#!/bin/sh
printf '\n   \n\t\nchrony: synchronised\n\n'
