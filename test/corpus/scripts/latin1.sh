#!/bin/sh
# Saved as ISO 8859-1, as is what it says.
echo "Lüfter 2 läuft"
