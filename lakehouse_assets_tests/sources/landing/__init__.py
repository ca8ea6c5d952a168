"""Tests of what has landed."""
