#!/bin/bash
# A signal that it handles itself is no death by a signal.
trap 'echo "told to stop: state saved"; exit 1' TERM
kill -TERM $$
