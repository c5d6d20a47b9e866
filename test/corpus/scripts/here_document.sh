#!/bin/bash
limit=64
cat <<-TEXT

	inotify: $limit instances
	  $(printf 'of %d' 128) are in use
	TEXT
