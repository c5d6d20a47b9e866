#!/bin/bash
set -o pipefail
yes 'slot 0: present' | head -n 1
