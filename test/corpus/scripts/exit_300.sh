#!/bin/bash
echo '300 blocks are bad'
exit 300
