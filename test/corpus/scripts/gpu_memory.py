#!/usr/bin/env python3
import json
import sys

gpus = [{'index': 0, 'retired': 2, 'pending': False}, {'index': 1, 'retired': 63, 'pending': True}]
worst = max(gpus, key=lambda gpu: gpu['retired'])
print(json.dumps({'gpu': worst['index'], 'retired_pages': worst['retired'], 'reboot_needed': worst['pending']}))
sys.exit(1 if worst['pending'] else 0)
