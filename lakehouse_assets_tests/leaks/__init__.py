"""Planted leaks: each is caught by a check or test that `docs/leaks.md` names, and what is not planted passes."""
