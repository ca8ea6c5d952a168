"""Tests of `lakehouse_assets/lake`."""
