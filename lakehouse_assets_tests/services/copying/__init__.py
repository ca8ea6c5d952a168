"""Tests of the copy: pure decisions, tables and models from one state folder to another, what is refused."""
