#!/bin/bash
echo 'checking the fabric'
ibstat-of-no-image
