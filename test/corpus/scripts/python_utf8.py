#!/usr/bin/env python3
print('Größe 97 %, 日本')
