#!/bin/bash
# The driver's tool is in no image.
exec nvidia-smi-of-no-image --query-gpu=ecc.errors.uncorrected.volatile.total --format=csv,noheader
