#!/bin/bash
echo 'ceph: waiting for the monitors'
read -r < <(sleep 600)
