"""Where fetched programs are kept, each in a folder named by what pins it.

Belongs here: the folder, its digest and its checksums. Does not: what is fetched (`fetch`).
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from deploy.native.errors import StackError

CACHE_VARIABLE = "STACK_CACHE"
DEFAULT_CACHE = "~/.cache/lakehouse-assets"
BLOCK = 1 << 20


def cache_folder() -> Path:
    """`STACK_CACHE`, or a folder of the user's cache."""
    return Path(os.environ.get(CACHE_VARIABLE, DEFAULT_CACHE)).expanduser().resolve()


def cached(name: str, pins: Iterable[Path], fetch: Callable[[Path], None]) -> Path:
    """The folder of a program, fetched unless it is there.

    Its name ends in a digest of the files that pin the program, so a changed pin is another folder. It appears whole
    or not at all, whoever fetches at the same time.

    Raises:
        StackError: it could not be fetched, or is not what the checksums say.
    """
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in pins)).hexdigest()[:12]
    target = cache_folder() / f"{name}-{digest}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    draft.chmod(0o755)  # PostgreSQL runs as a user of its own where the stack is started by root
    try:
        fetch(draft)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # another process was faster
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def verify(files: Iterable[Path], checksums: Path) -> None:
    """Hold files against a list as sha256sum writes it: these names, no others, each with its digest.

    Raises:
        StackError: a file is missing, is one too many or is another.
    """
    lines = checksums.read_text(encoding="utf-8").splitlines()
    expected = {name.lstrip(" *"): digest for digest, _, name in (line.partition(" ") for line in lines)}
    found = {path.name: sha256(path) for path in files}
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name, "absent") != found.get(name, "absent")
    )
    if wrong:
        raise StackError(
            f"{', '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''}: not what {checksums.name} lists. Was a version "
            "changed without its checksums, or is the download damaged?"
        )


def sha256(path: Path) -> str:
    """The digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
