#!/bin/bash
set -eu
cd
[[ $PWD == / && ~ == / ]]
echo "home is $HOME"
