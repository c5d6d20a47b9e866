#!/bin/sh
# Finds the vendor's tool by the PATH that its policy sets.
vendorctl
