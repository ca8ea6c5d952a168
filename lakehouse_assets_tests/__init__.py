"""Tests that mirror the package: a test's name is a sentence that is true when it passes."""
