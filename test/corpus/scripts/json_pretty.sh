#!/bin/sh
cat <<'JSON'
{
  "status": "degraded",
  "level": "error"
}
JSON
exit 1
