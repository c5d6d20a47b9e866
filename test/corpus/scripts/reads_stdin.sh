#!/bin/bash
# There is nobody to answer.
if read -r answer; then
  echo "was told $answer"
  exit 1
fi
rest=$(cat)
echo "nothing to read, ${#rest} bytes"
