"""WHEN: all that Dagster sees, thin; one module a layer."""
