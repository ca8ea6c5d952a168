"""The verbs of `lakehouse`, in the order in which a newcomer meets them.

Belongs here: the table of contents. Does not: any verb (one small module a group).
"""

import typer

from lakehouse_assets.cli import (
    copying,
    demo,
    doctor,
    leaderboard,
    quarantine,
    reproduce,
    rollback,
    simulate,
    sql,
    tables,
)

app = typer.Typer(
    name="lakehouse",
    help="The lakehouse of option ticks: its tables, their history, and questions in SQL.",
    epilog="Try: lakehouse demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

VERBS = (
    demo.demo, simulate.simulate, tables.tables, sql.sql, tables.history, quarantine.quarantine,
    leaderboard.leaderboard, reproduce.reproduce, rollback.rollback, doctor.doctor, copying.copy,
)  # fmt: skip

for verb in VERBS:
    app.command()(verb)
