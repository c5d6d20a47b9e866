#!/bin/bash
# Without -e it goes on, and all it says at the end is a guess.
errors=$(edac-util-of-no-image --report=ue | wc -l)
echo "uncorrectable memory errors: $errors"
