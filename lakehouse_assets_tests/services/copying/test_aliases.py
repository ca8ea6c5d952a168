"""Aliases follow the source until production moves them; then they are named, or stay with a note."""

import pytest

from lakehouse_assets.services.copying import CopyRefused
from lakehouse_assets.services.copying.aliases import ALIAS_COPIED
from lakehouse_assets.services.registry import TICK_MODEL
from lakehouse_assets_tests.services.copying.conftest import Ends
from lakehouse_assets_tests.services.copying.test_versions import register, registry
from lakehouse_assets_tests.services.trained import FIRST, put_day


@pytest.fixture
def two_aliases(ends: Ends) -> Ends:
    """A day of rows, versions 1 and 2, copied: 1 is the champion, 2 the challenger."""
    put_day(ends.source, FIRST, seed=1)
    for text in ("one", "two"):
        register(ends.here, text)
    registry(ends.here).point("champion", "1")
    registry(ends.here).point("challenger", "2")
    ends.run()
    return ends


def notes(alias: str, number: str) -> str:
    return f"@{alias} of {TICK_MODEL} stays at version {number} in production, where it was moved to"


def test_aliases_at_a_version_of_productions_own_are_named_and_nothing_is_copied_or_they_stay(
    two_aliases: Ends,
) -> None:
    theirs = registry(two_aliases.there)
    assert register(two_aliases.there, "theirs") == "3"
    theirs.point("champion", "3")
    theirs.point("challenger", "3")
    registry(two_aliases.here).set_tags("1", {"judged": "here"})
    with pytest.raises(
        CopyRefused, match=r"nothing was copied: .* @challenger to version 3, @champion to version 3: --k"
    ):
        two_aliases.run()
    assert theirs.aliases == {"3": ("challenger", "champion")}
    assert "judged" not in theirs.version("1").tags
    assert two_aliases.run(keep=True).notes == (notes("challenger", "3"), notes("champion", "3"))
    assert theirs.aliases == {"3": ("challenger", "champion")}
    assert "judged" in theirs.version("1").tags


def test_an_alias_that_production_moved_among_the_copies_is_not_taken_back(two_aliases: Ends) -> None:
    theirs = registry(two_aliases.there)
    theirs.point("champion", "2")
    with pytest.raises(CopyRefused, match="production has moved @champion to version 2: --keep"):
        two_aliases.run()
    registry(two_aliases.here).point("challenger", "1")
    assert two_aliases.run(keep=True).notes == (notes("champion", "2"),)
    assert theirs.aliases == {"1": ("challenger",), "2": ("champion",)}
    theirs.store.client.delete_registered_model_alias(TICK_MODEL, "champion")
    assert two_aliases.run().notes == ()
    assert theirs.aliases == {"1": ("challenger", "champion")}


def test_an_alias_follows_the_source_while_production_leaves_it_where_a_copy_put_it(two_aliases: Ends) -> None:
    ours, theirs = registry(two_aliases.here), registry(two_aliases.there)
    register(two_aliases.here, "three")
    for number in ("3", "2"):
        ours.point("champion", number)
        two_aliases.run()
        assert theirs.champion == number
    assert theirs.tags == {f"{ALIAS_COPIED}champion": "2", f"{ALIAS_COPIED}challenger": "2"}


def test_an_alias_of_which_nobody_knows_who_put_it_there_is_productions_own(two_aliases: Ends) -> None:
    theirs = registry(two_aliases.there)
    theirs.store.client.delete_registered_model_tag(TICK_MODEL, f"{ALIAS_COPIED}champion")
    assert two_aliases.run().notes == ()
    assert theirs.tags[f"{ALIAS_COPIED}champion"] == "1"
    theirs.store.client.delete_registered_model_tag(TICK_MODEL, f"{ALIAS_COPIED}champion")
    registry(two_aliases.here).point("champion", "2")
    with pytest.raises(CopyRefused, match="production has moved @champion to version 1: --keep"):
        two_aliases.run()


def test_an_alias_that_production_moves_while_a_copy_is_under_way_stays(two_aliases: Ends) -> None:
    theirs = registry(two_aliases.there)
    register(two_aliases.here, "three")
    registry(two_aliases.here).point("champion", "3")
    copied = two_aliases.run(progress=lambda *_: theirs.point("champion", "2"))
    assert copied.notes == (notes("champion", "2"),)
    assert theirs.champion == "2"
