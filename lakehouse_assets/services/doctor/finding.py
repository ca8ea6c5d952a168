"""A question of the doctor, and what was found: in order or not, with what, where and the fix.

Belongs here: asking without ever failing, and hiding secrets. Does not: any question.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lakehouse_assets.settings import Settings, SettingsError
from lakehouse_assets.settings.masking import HIDDEN, masked

SECONDS = 5.0
"""How long a server may take to answer."""

SECRET_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DAGSTER_POSTGRES_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN",
)  # fmt: skip
LONGEST = 300
"""Characters of a server's own words."""


class Ailment(Exception):
    """Something is not in order: what was found, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        """Two half sentences."""
        super().__init__(what)
        self.fix = fix


class NotAsked(Exception):
    """The settings make no use of it; the message says how they would."""


@dataclass(frozen=True)
class Question:
    """What is asked, of whom; `ask` says in a few words what is in order, or raises."""

    check: str
    where: str
    ask: Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """The answer to one question; `fix` is empty unless it failed."""

    check: str
    where: str
    state: Literal["ok", "failed", "not used"]
    said: str
    fix: str = ""


def found(question: Question, settings: Settings) -> Finding:
    """Ask; whatever happens is a finding, and no secret of the settings is in it."""
    state: Literal["ok", "failed", "not used"] = "failed"
    fix = ""
    try:
        said, state = question.ask(), "ok"
    except NotAsked as why:
        said, state = str(why), "not used"
    except Ailment as ailment:
        said, fix = str(ailment), ailment.fix
    except SettingsError as error:
        said, fix = str(error), "correct the setting or the variable"
    except Exception as error:  # noqa: BLE001 - the other questions are asked all the same, and this one has failed
        said, fix = f"{type(error).__name__}: {error}", "this was not foreseen: its own words are all there is"
    return Finding(
        question.check, hidden(question.where, settings), state, hidden(said, settings), hidden(fix, settings)
    )


def hidden(text: str, settings: Settings) -> str:
    """A text in one line without the secrets of the settings and of the environment."""
    line = masked(" ".join(text.split()))
    known = [os.environ.get(name, "") for name in SECRET_VARIABLES]
    known += [one.get_secret_value() for one in (settings.catalog.password, settings.trino.password) if one]
    for secret in sorted(filter(None, known), key=len, reverse=True):
        line = line.replace(secret, HIDDEN)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}.."
