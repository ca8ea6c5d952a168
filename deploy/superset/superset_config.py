"""Superset's settings: its secrets from the environment, its caches in Redis."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_DB_URI"]
REDIS_URL = os.environ["REDIS_URL"]


def _cache(prefix: str, seconds: int) -> dict[str, object]:
    return {
        "CACHE_TYPE": "RedisCache",
        "CACHE_REDIS_URL": f"{REDIS_URL}/0",
        "CACHE_KEY_PREFIX": f"superset_{prefix}_",
        "CACHE_DEFAULT_TIMEOUT": seconds,
    }


CACHE_CONFIG = _cache("pages", 300)
DATA_CACHE_CONFIG = _cache("data", 300)
FILTER_STATE_CACHE_CONFIG = _cache("filters", 86400)
EXPLORE_FORM_DATA_CACHE_CONFIG = _cache("forms", 86400)
RATELIMIT_STORAGE_URI = f"{REDIS_URL}/1"

ENABLE_PROXY_FIX = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = "Lax"
ROW_LIMIT = 50_000
SQL_MAX_ROW = 100_000
