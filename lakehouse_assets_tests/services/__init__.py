"""Tests of `lakehouse_assets/services`."""
