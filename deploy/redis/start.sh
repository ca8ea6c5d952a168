#!/bin/sh
# The password goes in on standard input: an argument would be seen by every process of the host.
exec valkey-server - --bind 0.0.0.0 --port 6379 --dir /data --save 300 1 \
    --maxmemory 256mb --maxmemory-policy allkeys-lru <<CONFIG
requirepass $REDIS_PASSWORD
CONFIG
