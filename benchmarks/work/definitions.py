"""Load the definitions as every process of Dagster does: import, then the repository with its jobs."""

from benchmarks.clock import answer, clocked


def main() -> None:
    """Work and answer."""
    with clocked() as spent:
        with spent.part("import_seconds"):
            from lakehouse_assets.definitions import defs
        with spent.part("repository_seconds"):
            repository = defs.get_repository_def()
            jobs = len(repository.get_all_jobs())
    answer(spent, jobs=jobs)


if __name__ == "__main__":
    main()
