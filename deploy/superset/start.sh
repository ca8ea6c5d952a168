#!/bin/sh
# Every step may be repeated: a start after an upgrade brings the database along.
set -eu
superset db upgrade
superset fab create-admin --username admin --firstname Data --lastname Platform --email admin@localhost \
    --password "$SUPERSET_ADMIN_PASSWORD"
superset init
superset set-database-uri --database_name lakehouse --uri "$SUPERSET_TRINO_URI"
exec gunicorn --bind 0.0.0.0:8088 --workers 2 --worker-class gthread --threads 8 --timeout 120 \
    --forwarded-allow-ips '*' "superset.app:create_app()"
