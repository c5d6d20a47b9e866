#!/bin/sh
echo 'Lüfter 2 steht – 0 U/min, größte Temperatur 91 °C 🔥'
exit 2
