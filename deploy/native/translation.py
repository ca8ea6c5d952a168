"""Names and paths of containers as this machine knows them.

Belongs here: the rewriting, the same for commands, variables, health checks and mounted files. Does not: which paths
there are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what containers bind; here it is always turned into HOST


@dataclass(frozen=True)
class Translation:
    """Services are on `HOST`, each on the port it has in its container; `paths` are container path -> path here."""

    services: tuple[str, ...]
    paths: Mapping[str, Path]

    def text(self, text: str) -> str:
        """`service:port`, the address of all interfaces and the known paths, wherever they stand in a text."""
        named = "|".join(re.escape(name) for name in sorted(self.services, key=len, reverse=True))
        text = re.sub(rf"(?<![\w.-])(?:{named})(?=:\d{{2,5}}(?!\w))", HOST, text).replace(ANY_ADDRESS, HOST)
        if not self.paths:
            return text
        known = "|".join(re.escape(path) for path in sorted(self.paths, key=len, reverse=True))
        return re.sub(rf"(?<![\w.-])(?:{known})(?![\w-])", lambda found: str(self.paths[found[0]]), text)

    def word(self, word: str) -> str:
        """An argument or the value of a variable; one that is a service's name is its host."""
        return HOST if word in self.services else self.text(word)

    def words(self, words: Iterable[str]) -> list[str]:
        """A command; its program may have the name of a service."""
        program, *arguments = words
        return [self.text(program), *(self.word(word) for word in arguments)]

    def values(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables of a service."""
        return {name: self.word(value) for name, value in environment.items()}

    def copy(self, source: Path, target: Path) -> None:
        """A file or folder of text as the service reads it here."""
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            for inner in source.iterdir():
                if inner.name != "__pycache__":
                    self.copy(inner, target / inner.name)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.text(source.read_text(encoding="utf-8")), encoding="utf-8")
        target.chmod(source.stat().st_mode & 0o777)
