"""Engines beside DuckDB, as far as no server is needed; `stack` has the rest."""
