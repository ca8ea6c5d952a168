"""Tests that need real servers: `make test-stack`."""
