"""A Spark job of one's own, outside the package: its script, and the asset that its output becomes."""
