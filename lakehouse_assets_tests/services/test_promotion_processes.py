"""Real processes: several that move the champion at once, and some that are killed at the worst moment."""

import signal
import subprocess
from pathlib import Path

import pytest

from lakehouse_assets.services.promotion_ledger import write_down
from lakehouse_assets.services.promotions import MOVE_TAG, reconcile
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.rollback import roll_back
from lakehouse_assets_tests.services.ledgers import lake_in, moves_of, promote, start, story, versions
from lakehouse_assets_tests.services.test_promotion_ledger import move

pytestmark = pytest.mark.slow

SECONDS = 120

KILLED = {
    "before the alias": ("promotions.accept_move = lambda *a, **k: (real(*a, **k), die())", False),
    "between note and alias": ("ModelRegistry.promote = die", False),
    "between alias and row": ("promotions.write_down = armed", True),
    "in the middle of the commit": ("armed_commit()", True),
    "after the row": ("", True),
}
"""Where the process dies, and whether the champion has moved by then."""

ARMS = """
from lakehouse_assets.lake import commit, writing
from lakehouse_assets.services.registry import ModelRegistry

real, write = promotions.accept_move, promotions.write_down


def armed(lake, move, run_id, accepted=None):
    return die() if accepted else write(lake, move, run_id)


def armed_commit():
    publish = writing.publish
    writing.publish = lambda lake, staged, said: publish(lake, staged, said, before_commit=die)
"""
"""`reconcile` writes nothing down here, so the first commit is that of the promotion."""


def done(process: "subprocess.Popen[str]") -> str:
    """What a process wrote, once it has ended well."""
    out, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return out.strip()


def released_together(processes: "list[subprocess.Popen[str]]") -> list[str]:
    """Let processes that wait for a line begin at once; what each wrote."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [done(process) for process in processes]


@pytest.mark.parametrize("moment", KILLED)
def test_whatever_is_killed_the_next_call_makes_alias_and_ledger_one_story(
    tmp_path: Path, registry: ModelRegistry, moment: str
) -> None:
    lake, (first, second, third) = lake_in(tmp_path), versions(registry, 3)
    promote(lake, registry, first)
    arm, has_moved = KILLED[moment]
    end = "\ndie()" if moment == "after the row" else ""
    script = f"{ARMS}\n{arm}\npromote(lake, registry, '2', run_id='run-killed', why='two is better'){end}"
    process = start(tmp_path, script)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == -signal.SIGKILL, said
    assert (registry.champion == second) == has_moved
    assert (len(moves_of(lake)) == 2) == (moment == "after the row")
    assert (MOVE_TAG in registry.version(second).tags) == (moment != "before the alias")
    reconcile(lake, registry, "run-next")
    promote(lake, registry, third)
    expected: list[tuple[str, int | None, int | None]] = [("promotion", None, 1)]
    expected += [("promotion", 1, 2), ("promotion", 2, 3)] if has_moved else [("promotion", 1, 3)]
    assert story(lake) == expected
    if has_moved:  # the row is the one that the killed run would have written
        healed = moves_of(lake)[1]
        assert (healed.moved_by, healed.why, healed.to_log_loss) == ("run-killed", "two is better", 0.61)


def test_a_killed_rollback_is_healed_as_the_rollback_that_it_was(tmp_path: Path, registry: ModelRegistry) -> None:
    lake = lake_in(tmp_path)
    for number in versions(registry, 3):
        promote(lake, registry, number)
    script = f"{ARMS}\npromotions.write_down = armed\nrollback.roll_back(lake, registry, why='worse')"
    process = start(tmp_path, script)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == -signal.SIGKILL, said
    assert (registry.champion, len(moves_of(lake))) == ("2", 3)
    assert roll_back(lake, registry).move.to_version == 1
    assert story(lake)[3:] == [("rollback", 3, 2), ("rollback", 2, 1)]


def test_of_two_promotions_at_once_one_wins_and_the_other_sees_a_changed_champion(
    tmp_path: Path, registry: ModelRegistry
) -> None:
    lake, (first, *rivals) = lake_in(tmp_path), versions(registry, 3)
    promote(lake, registry, first)
    script = (
        "assert registry.champion == '1'\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "moved = promote(lake, registry, sys.argv[2], instead_of='1', run_id=f'run-{sys.argv[2]}')\n"
        "print(None if moved is None else moved.move.to_version)"
    )
    said = released_together([start(tmp_path, script, rival) for rival in rivals])
    assert sorted(said) == sorted(["None", str(registry.champion)])
    assert story(lake) == [("promotion", None, 1), ("promotion", 1, int(str(registry.champion)))]
    assert moves_of(lake)[-1].moved_by == f"run-{registry.champion}"


def test_a_promotion_against_a_rollback_leaves_the_moves_that_happened(tmp_path: Path, registry: ModelRegistry) -> None:
    lake, (first, second, _) = lake_in(tmp_path), versions(registry, 3)
    promote(lake, registry, first)
    promote(lake, registry, second)
    begin = "assert registry.champion == '2'\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    promotion = "print(promote(lake, registry, '3', instead_of='2') is not None)"
    back = "print(rollback.roll_back(lake, registry).move.to_version)"
    was_promoted, put_back = released_together([start(tmp_path, begin + text) for text in (promotion, back)])
    expected = {
        ("True", "2"): [("promotion", 2, 3), ("rollback", 3, 2)],
        ("False", "1"): [("rollback", 2, 1)],
    }
    assert story(lake)[2:] == expected[was_promoted, put_back]
    assert registry.champion == put_back


def test_many_moves_of_several_processes_are_one_unbroken_chain(tmp_path: Path, registry: ModelRegistry) -> None:
    lake, numbers = lake_in(tmp_path), versions(registry, 4)
    script = (
        "print('ready', flush=True)\nsys.stdin.readline()\nwon = 0\n"
        "for number in sys.argv[2:]:\n"
        "    while (moved := promote(lake, registry, number)) is None:\n        pass\n"
        "    won += moved.is_new\n"
        "print(won)"
    )
    halves = [numbers[:2], numbers[2:]]
    said = released_together([start(tmp_path, script, *half) for half in halves])
    assert said == ["2", "2"]
    assert {after for _, _, after in story(lake)} == {1, 2, 3, 4}
    assert len(story(lake)) == 4
    assert registry.champion == str(story(lake)[-1][2])


def test_a_row_of_another_model_in_between_costs_nothing(tmp_path: Path, registry: ModelRegistry) -> None:
    """On a store of its own another model has no lock with us: the table's own conflict keeps both rows."""
    lake, (first,) = lake_in(tmp_path), versions(registry, 1)
    process = start(
        tmp_path,
        "other = ModelRegistry(registry.store, 'Other')\nversions(other, 1)\n"
        "write = promotions.write_down\n"
        "def waiting(lake, move, run_id, accepted=None):\n"
        "    if accepted:\n        print('ready', flush=True)\n        sys.stdin.readline()\n"
        "    return write(lake, move, run_id, accepted)\n"
        "promotions.write_down = waiting\n"
        "promote(lake, other, '1')",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    write_down(lake, move(None, int(first), model=registry.name), "run-1")
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    done(process)
    assert len(story(lake)) == len(story(lake, "Other")) == 1
