#!/bin/bash
exec 2>&1
ls /no/such/directory/of/ours > /dev/null || true
echo 'everything goes to one stream'
