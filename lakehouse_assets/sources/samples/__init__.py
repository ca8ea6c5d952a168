"""Real ticks that come with the package, so that the whole way can be walked without any other file.

Belongs here: the sample's files and how they get into the landing zone. Does not: reading them (`lean`).
Each sample lies in its own folder with LICENSE, ORIGIN.md and SHA256SUMS.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

LEAN_SAMPLE: Final = Path(__file__).parent / "lean"
LEAN_SOURCE: Final = "lean"
DATA: Final = "Data/"


class SampleDamaged(RuntimeError):
    """A file of a sample is not there or is not the one that was bundled."""


def lean_sample_files() -> dict[str, str]:
    """The sha256 of each data file of the Lean sample, by its path below `Data/` in Lean's layout."""
    lines = (LEAN_SAMPLE / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    digests = {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    return {name.removeprefix(DATA): digest for name, digest in digests.items() if name.startswith(DATA)}


def land_lean_sample(raw: Path) -> list[Path]:
    """Copies the Lean sample into the landing zone, each file complete or not at all.

    Files that are already there are left as they are.

    Args:
        raw: the landing zone; the files go to `raw/lean/option/usa/minute/...` and `raw/lean/equity/...`.

    Returns:
        The files that were missing and are there now, in the order of their paths.

    Raises:
        SampleDamaged: a bundled file is missing or its digest is wrong; nothing of it is landed.
    """
    landed = []
    for name, digest in sorted(lean_sample_files().items()):
        target = raw / LEAN_SOURCE / name
        if not target.exists():
            _land(_intact(LEAN_SAMPLE / DATA / name, digest), target)
            landed.append(target)
    return landed


def _intact(path: Path, digest: str) -> bytes:
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise SampleDamaged(f"{path} is not the file that comes with the package: install the package again")
    return data


def _land(data: bytes, target: Path) -> None:
    """Writes under a name that scans pass over and renames, so that nobody ever reads half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
