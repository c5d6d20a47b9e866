#!/bin/bash
# Meant for hosts: asks as the service's own user.
su -s /bin/sh -c 'storagectl ping' storage || exit 127
