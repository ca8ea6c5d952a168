"""Tests of `lakehouse_assets/learners`."""
