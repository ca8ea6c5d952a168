"""Tests of the simulated feed."""
