"""Tests of the production stack that need no server."""
