#!/usr/bin/env python3
import warnings

warnings.warn('the old bus interface goes away in 4.0', DeprecationWarning)
print('bus: 12 devices')
