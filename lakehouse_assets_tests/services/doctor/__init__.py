"""Tests of the doctor: what each question finds, in order and not."""
