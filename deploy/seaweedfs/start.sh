#!/bin/sh
# The object store in one process. Master (9333), volumes (8380) and filer (8888) listen on 127.0.0.1 inside the
# container; S3 (8333) is open to the other services, and nothing else should be. Without an identity S3 would be open to everyone.
set -eu
umask 077
cat >/run/seaweedfs/s3.json <<JSON
{"identities": [{"name": "lakehouse",
  "credentials": [{"accessKey": "$S3_ACCESS_KEY", "secretKey": "$S3_SECRET_KEY"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
exec weed server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -metricsIp=0.0.0.0 -metricsPort=9327 \
    -master.volumeSizeLimitMB=1024 -master.telemetry=false \
    -volume.port=8380 -volume.max=0 \
    -filer -filer.disableDirListing=true \
    -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config=/run/seaweedfs/s3.json \
    -s3.autoCreateBucket=false -s3.port.iceberg=0 -s3.port.lance=0
