"""The pages of the docs as tests see them: fenced blocks, commands, links, anchors.

Belongs here: reading Markdown. Does not: any claim about a page (`test_docs`), nor running a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.settings import PROJECT

PAGES = (
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
)
RUNNABLE = ("console", "bash")
PROMPT = "$ "
NO_TEST = "no-test:"
"""After a fence's language: the block is not run; what follows says why."""

_FENCE = re.compile(r"^```(\S*) *(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+\1")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the rest of its info string, its text."""

    language: str
    info: str
    text: str

    @property
    def is_runnable(self) -> bool:
        """Whether it shows commands."""
        return self.language in RUNNABLE

    @property
    def why_not_run(self) -> str | None:
        """The reason after `no-test:`; None where the block is run."""
        return self.info.removeprefix(NO_TEST).strip() if self.info.startswith(NO_TEST) else None

    @property
    def commands(self) -> list[str]:
        """The lines after a prompt, or every line where the block has no prompt."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        prompted = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
        return prompted if self.language == "console" else lines


def name_of(page: Path) -> str:
    """A page's path within the project."""
    return page.relative_to(PROJECT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]


def run_here(page: Path) -> list[str]:
    """The commands of a page that a test runs, in order."""
    shown = [block for block in blocks(page) if block.is_runnable and block.why_not_run is None]
    return [command for block in shown for command in block.commands]


def links(page: Path) -> list[str]:
    """The targets of the links of a page, outside code."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [str(target) for target in _LINK.findall(_INLINE_CODE.sub("code", text))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {_NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def table_commands(page: Path, begins: str) -> Iterator[str]:
    """The commands in code that stand in the second column of a page's tables."""
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if len(cells) > 3 and (found := re.match(rf"`({begins} [^`]+)`$", cells[2].strip())):
            yield found.group(1)
