"""`python -m deploy.native up | down | status | fetch [service ...]`: the stack on this machine, without Docker.

Belongs here: the command line. Does not: what it does (`stack`).
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from deploy.native.env_file import ENV_FILE
from deploy.native.errors import StackError
from deploy.native.fetch import docker_compose
from deploy.native.shell import SERVICE, write_shell
from deploy.native.stack import STATE, Stack


def main() -> int:
    """Run one command; the exit code."""
    asked = _arguments()
    # SIGTERM ends a start as Ctrl-C does: what was begun is stopped
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = Stack(asked.state, asked.env_file or (ENV_FILE if asked.state == STATE else None))
    try:
        return {"up": _up, "down": _down, "status": _status, "fetch": _fetch}[asked.command](stack, asked)
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("stopped: nothing of what was begun runs on\n")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.native", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["up", "down", "status", "fetch"])
    parser.add_argument("services", nargs="*", help="with those they need; all that can be had, if none is named")
    parser.add_argument("--state", type=Path, default=STATE, help="where data, logs and configuration lie")
    parser.add_argument("--env-file", type=Path, help="the secrets; written on first use")
    return parser.parse_intermixed_args()


def _up(stack: Stack, asked: argparse.Namespace) -> int:
    began = time.monotonic()
    for name in stack.start(*asked.services):
        ports = ", ".join(str(port) for port in stack.services[name].ports)
        sys.stdout.write(f"{name:18} {time.monotonic() - began:5.1f} s  {ports}\n")
        sys.stdout.flush()
    left_out = sorted(set(stack.services) - set(stack.native))
    sys.stdout.write(f"up on 127.0.0.1; secrets in {stack.env_file}\n")
    if SERVICE in stack.running():
        sys.stdout.write(f"a shell on it: source {write_shell(stack)}\n")
    sys.stdout.write(f"only with Docker: {', '.join(left_out)}\n" if left_out and not asked.services else "")
    return 0


def _down(stack: Stack, asked: argparse.Namespace) -> int:
    for name in stack.end(*asked.services):
        sys.stdout.write(f"{name}: stopped\n")
        sys.stdout.flush()
    return 0


def _status(stack: Stack, asked: argparse.Namespace) -> int:
    running = stack.running()
    for name in asked.services or stack.native:
        sys.stdout.write(f"{name:18} {'up' if name in running else 'down'}\n")
    return 0


def _fetch(stack: Stack, asked: argparse.Namespace) -> int:
    for name in stack.fetch(*asked.services):
        sys.stdout.write(f"{name}: there\n")
    if not asked.services:
        docker_compose()
        sys.stdout.write("docker compose, to judge the file: there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
