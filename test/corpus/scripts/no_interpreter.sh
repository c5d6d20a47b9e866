echo "DISK OK"
