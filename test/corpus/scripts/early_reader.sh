#!/bin/bash
# The reader leaves first: its writer ends without a word, as under any shell.
first=$(yes 'slot 0: present' | head -n 1)
echo "$first"
