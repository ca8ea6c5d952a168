#!/bin/sh
# Every step may be repeated: a start after an upgrade brings the database along, one after a new password sets it.
set -eu
superset db upgrade
superset init
python /etc/superset/admin.py
superset set-database-uri --database_name lakehouse --uri "$SUPERSET_TRINO_URI"
exec gunicorn --bind 0.0.0.0:8088 --workers 2 --worker-class gthread --threads 8 --timeout 120 \
    --forwarded-allow-ips '*' "superset.app:create_app()"
