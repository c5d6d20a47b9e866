#!/bin/bash
"$(dirname "$0")/lib/states.sh"
