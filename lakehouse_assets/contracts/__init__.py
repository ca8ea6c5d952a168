"""WHAT a table promises: one module a layer; `contract` holds the vocabulary."""
