#!/opt/vendor/bin/python2
print "GPU OK"
