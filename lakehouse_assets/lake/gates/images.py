"""Are all images there, each whole, and every digit among them?

Belongs here: counts by split and label against what the origin is known to hold. Does not: what a network makes of it.
"""

from collections.abc import Iterator, Sequence

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.raw import IMAGE_COUNTS
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

DIGITS = frozenset(range(10))

Counted = tuple[str, str, int, int, int]
"""Origin, split, label, images, images whose pixels are not width x height bytes."""


def images_gate(contract: Contract) -> Gate:
    """One origin, as many images of each split as it holds, every digit in both, every image whole; it blocks."""
    known = "; ".join(f"{origin}: {_listed(counts)}" for origin, counts in IMAGE_COUNTS.items())
    return Gate(
        name=contract.check_name("are_complete", "is_complete"),
        meaning=f"All images of one origin are there ({known}), each digit in both splits, width x height bytes each.",
        is_blocking=True,
        judge=_judge,
    )


def _judge(case: Case) -> Verdict:
    found: Sequence[Counted] = case.court.ask(
        "SELECT origin, split, label, COUNT(*), COUNT(*) FILTER (WHERE OCTET_LENGTH(pixels) <> width * height) "
        f"FROM {case.staged.contract.table} GROUP BY origin, split, label ORDER BY ALL"
    )
    by_split: dict[str, int] = {}
    for _, split, _, images, _ in found:
        by_split[split] = by_split.get(split, 0) + images
    faults = list(_faults(found, by_split))
    origin = found[0][0] if found else "none"
    words = "; ".join(faults) or f"all images of {origin}: {_listed(by_split)}"
    return Verdict(not faults, words, {"origin": origin, **{f"{one}_images": n for one, n in by_split.items()}})


def _faults(found: Sequence[Counted], by_split: dict[str, int]) -> Iterator[str]:
    origins = sorted({origin for origin, *_ in found})
    if len(origins) != 1:
        yield f"images of one origin are expected, found {', '.join(origins) or 'no image'}"
        return
    expected = IMAGE_COUNTS[origins[0]]
    if by_split != expected:
        yield f"{origins[0]} holds {_listed(expected)}, found {_listed(by_split)}"
    for split in expected:
        if missing := DIGITS - {label for _, one, label, *_ in found if one == split}:
            yield f"{split} has no image of {', '.join(map(str, sorted(missing)))}"
    if torn := sum(wrong for *_, wrong in found):
        yield f"{torn:,} images have other than width x height bytes"


def _listed(counts: dict[str, int]) -> str:
    return " and ".join(f"{images:,} {split}" for split, images in counts.items())
