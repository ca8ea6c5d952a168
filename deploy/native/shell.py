"""A file that a shell reads to be where the pipeline is: its settings, its secrets, its programs.

Belongs here: the exports. Does not: what they are (docker-compose.yml).
"""

import os
import shlex
import sys
from pathlib import Path

from deploy.native.stack import Stack

SERVICE = "dagster-code"


def write_shell(stack: Stack) -> Path:
    """Write `shell.sh` into the state folder, readable by its owner alone."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(stack.environment(SERVICE).items())]
    lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    target = stack.state / "shell.sh"
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return target
