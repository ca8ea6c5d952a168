"""The lakehouse and ML platform for option ticks: every table a gated Dagster asset on Apache Iceberg."""

__version__ = "0.1.0"
