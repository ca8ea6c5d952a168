"""The other side of the comparison with dagster-iceberg; runs in an environment of its own (requirements.lock)."""
