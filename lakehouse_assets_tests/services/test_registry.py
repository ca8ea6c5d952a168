"""Versions and aliases: what is looked up is what was written, also when two promote at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.tags import model_tags
from lakehouse_assets.services.registry import CHAMPION, TICK_MODEL, ModelRegistry, keep_inputs
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import MONDAY, ticks, write


def version(registry: ModelRegistry, key: str, **tags: str) -> str:
    """A version without a model behind it."""
    client = registry.store.client
    if not client.search_registered_models():
        client.create_registered_model(TICK_MODEL)
    source = f"{registry.store.artifacts}/model"
    return str(client.create_model_version(TICK_MODEL, source, tags={"data_key": key, **tags}).version)


def test_a_version_is_found_by_its_data_key_and_the_oldest_of_two_counts(registry: ModelRegistry) -> None:
    assert registry.find("k") is None
    first, _, other = version(registry, "k"), version(registry, "k"), version(registry, "l")
    found = registry.find("k")
    assert found is not None
    assert str(found.version) == first != other


def test_there_is_no_champion_before_one_is_promoted(registry: ModelRegistry) -> None:
    assert registry.champion is None
    number = version(registry, "k")
    assert registry.champion is None
    assert registry.promote(number, instead_of=None)
    assert registry.champion == number


def test_a_promotion_judged_against_a_champion_that_is_gone_does_nothing(registry: ModelRegistry) -> None:
    first, second, third = (version(registry, key) for key in "abc")
    registry.promote(first, instead_of=None)
    assert registry.promote(second, instead_of=first)
    assert not registry.promote(third, instead_of=first)
    assert registry.champion == second
    assert registry.promote(second, instead_of=None)  # it is there already


def test_of_many_promotions_at_once_exactly_one_wins(registry: ModelRegistry) -> None:
    numbers = [version(registry, str(key)) for key in range(4)]
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda number: registry.promote(number, instead_of=None), numbers))
    assert sum(won) == 1
    assert registry.alias(CHAMPION) == numbers[won.index(True)]


def test_the_challenger_is_the_latest_that_was_named(registry: ModelRegistry) -> None:
    first, second = version(registry, "a"), version(registry, "b")
    for number in (second, first):
        registry.challenge(number)
        assert registry.alias("challenger") == number


def test_a_deleted_version_frees_its_snapshots_when_the_next_one_is_kept(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    lake = Lake(Settings(home=tmp_path / "lake"))
    snapshot = write(lake, ticks(MONDAY, 1), MONDAY).snapshot_id
    first, second = (version(registry, key, **{"snapshot.toy_ticks": str(snapshot)}) for key in "ab")
    keep_inputs(lake, registry, first)
    registry.store.client.delete_model_version(TICK_MODEL, first)
    keep_inputs(lake, registry, second)
    assert [one.tag for one in model_tags(lake)] == [f"model.{TICK_MODEL}.v{second}"]
