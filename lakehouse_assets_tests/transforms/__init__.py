"""Tests of the transforms: the mechanism, and every .sql file."""
