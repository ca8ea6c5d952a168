"""Tests of the Lean feed."""
