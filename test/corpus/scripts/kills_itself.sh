#!/bin/bash
echo 'about to be killed'
kill -9 $$
