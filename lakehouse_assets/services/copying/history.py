"""Which content of a partition came before which: by that, what may be brought and what stands in the way.

Belongs here: pure decisions over contents by partition key. Does not: reading or writing any table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class History:
    """The contents that the source's table has published of each partition, oldest first."""

    contents: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, published: Iterable[Mapping[str, str]]) -> "History":
        """Out of what each snapshot published (content by partition key), oldest first."""
        found: dict[str, list[str]] = {}
        for snapshot in published:
            for key, content in snapshot.items():
                found.setdefault(key, []).append(content)
        return cls({key: tuple(contents) for key, contents in found.items()})

    def knows(self, key: str, content: str) -> bool:
        """Whether the source ever published it."""
        return content in self.contents.get(key, ())

    def age(self, key: str, content: str) -> int:
        """The place of the content in its partition's history; -1 where its snapshot has expired."""
        known = self.contents.get(key, ())
        return len(known) - 1 - known[::-1].index(content) if content in known else -1


def in_the_way(head: Mapping[str, str], there: Mapping[str, str], history: History) -> tuple[str, ...]:
    """The partitions that the target holds with rows that never were the source's, which holds or held others."""
    return tuple(
        key
        for key, content in sorted(there.items())
        if (key in head or key in history.contents) and head.get(key) != content and not history.knows(key, content)
    )


def may_become(state: Mapping[str, str], there: Mapping[str, str], history: History, then: History) -> bool:
    """Whether the target can show an earlier state of the source without going back on anything that it shows.

    `then` is the history up to that state.
    """
    gone = to_empty(state, there, history, then)
    return all(
        content == state[key] or history.age(key, content) < history.age(key, state[key]) if key in state
        else key in gone
        for key, content in there.items()
    )  # fmt: skip


def to_bring(state: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, ...]:
    """The partitions that the target must be brought to show the state."""
    return tuple(key for key, content in state.items() if there.get(key) != content)


def to_empty(state: Mapping[str, str], there: Mapping[str, str], history: History, then: History) -> tuple[str, ...]:
    """The partitions that the state holds no rows of, and the target holds with rows of before it.

    `then` is the history up to the state: rows that came back after it are not of before it.
    """
    return tuple(
        key
        for key, content in there.items()
        if key not in state and then.knows(key, content) and then.age(key, content) == history.age(key, content)
    )
