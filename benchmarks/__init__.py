"""The figures of docs/performance.md, measured: `python -m benchmarks` (or `make bench`).

Belongs here: what is measured and how. Does not: any part of the lakehouse. Every measured thing runs in a process
of its own (`work`), the sides of a comparison alternate, and what is compared is the ratio within one run.
Nothing here imports more than the standard library at module level but for `work`, so that the measuring process is
small: a child's peak memory is counted from its fork on.
"""
