#!/usr/bin/env python3
# The vendor renamed a key in a minor release.
reading = {'temp_c': 54}
print(f"GPU temperature {reading['temperature']} C")
