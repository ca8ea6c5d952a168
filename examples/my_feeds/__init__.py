"""Feeds of one's own, outside the package: one module a feed."""
