"""The console script `lakehouse`: thin verbs over the modules below.

Belongs here: reading arguments, showing answers, saying errors in one line. Does not: any logic of the lake.
Verbs import what they need when they run, so that `lakehouse --help` is quick.
"""

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console script.

    Args:
        arguments: the words after `lakehouse`; those of the process by default.

    Returns:
        The exit code: 0 on success, 1 on an error, 2 on wrong usage, 130 when stopped.
    """
    from lakehouse_assets.cli.app import app
    from lakehouse_assets.cli.boundary import run

    return run(app, arguments)
