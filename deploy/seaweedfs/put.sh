#!/bin/sh
# Healthy is a store that takes an object: the server answers long before it can write.
set -eu
put() {
    printf 'user = "%s:%s"\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" |
        curl --config - --silent --max-time 8 --aws-sigv4 "aws:amz:us-east-1:s3" \
        --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" \
        --output /dev/null --write-out '%{http_code}' --request PUT "$@"
}
put http://127.0.0.1:8333/health >/dev/null # 409 from the second time on
test "$(put --data-binary alive http://127.0.0.1:8333/health/alive)" = 200
