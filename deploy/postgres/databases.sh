#!/bin/sh
# One database and one role for each user of PostgreSQL; runs once, on an empty data folder. No password is an argument,
# which every process of the host would see.
set -eu

database() {
    NEW_PASSWORD="$2" psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
        --set name="$1" <<'SQL'
\getenv password NEW_PASSWORD
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

database lakehouse "$CATALOG_PASSWORD"
database mlflow "$MLFLOW_DB_PASSWORD"
database dagster "$DAGSTER_DB_PASSWORD"
database superset "$SUPERSET_DB_PASSWORD"
