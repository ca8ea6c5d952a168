"""Writes what the docs say from the code: `python docs/build.py`, or with `--check` only tells what is out of date.

Belongs here: the asset graph, the data dictionary, what stands between markers in pages that are written by hand, and
the proofs of the transforms, each as the text that its file must hold. Does not: what is known of a model
(`model_facts`); prose, which is only checked (`test_docs.py`).
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg
from model_facts import model_facts

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.contracts.silver import REASON_CODES, RULE_VERSION
from lakehouse_assets.definitions import defs
from lakehouse_assets.layers import FLOW
from lakehouse_assets.settings import CATALOG, NAMESPACE, PROJECT
from lakehouse_assets.transforms.proofs import PROOFS_FILE, proofs_text
from lakehouse_assets.transforms.text import transform_names

DOCS = PROJECT / "docs"
README, MODELS = PROJECT / "README.md", DOCS / "models.md"
WRITTEN = "<!-- Written by `make docs` from the code; change the code, not this page. -->"

MARKED = re.compile(r"^<!-- (.+): written by `make docs` -->\n(?s:.*?)^<!-- end of \1 -->$", re.MULTILINE)
"""In a page that is written by hand, a text stands between `<!-- x: written by ... -->` and `<!-- end of x -->`."""

TRANSFORMS = "../lakehouse_assets/transforms"
COLUMN_HEAD = ("column", "type", "unit", "required", "range", "role", "meaning", "source")


def pages() -> Mapping[Path, Callable[[], str]]:
    """Every generated file and the text that it must hold."""
    return {
        DOCS / "asset_graph.md": asset_graph_page,
        DOCS / "data_dictionary.md": data_dictionary_page,
        README: readme_page,
        MODELS: models_page,
        PROOFS_FILE: proofs_text,
    }


def graph() -> dict[str, tuple[str, list[str]]]:
    """Every asset with its layer and the assets that it reads: in flow order, upstream first, then by name."""
    resolved = defs.resolve_asset_graph()
    found = {}
    for key in resolved.get_all_asset_keys():
        node = resolved.get(key)
        found[key.to_user_string()] = (node.group_name or "", sorted(one.to_user_string() for one in node.parent_keys))

    def depth(name: str) -> int:
        return 1 + max((depth(parent) for parent in found[name][1]), default=0)

    return dict(sorted(found.items(), key=lambda item: (FLOW.index(item[1][0]), depth(item[0]), item[0])))


def mermaid() -> str:
    """The asset graph as a mermaid block: one box a layer; assets that read the same share a line of arrows."""
    lines = ["```mermaid", "flowchart LR"]
    assets = graph()
    for layer in FLOW:
        names = [name for name, (group, _) in assets.items() if group == layer]
        if names:
            lines += [f"  subgraph {layer}", f"    {'; '.join(names)}", "  end"]
    readers: dict[tuple[str, ...], list[str]] = {}
    for name, (_, parents) in assets.items():
        readers.setdefault(tuple(parents), []).append(name)
    lines += [f"  {' & '.join(parents)} --> {' & '.join(names)}" for parents, names in readers.items() if parents]
    return "\n".join([*lines, "```"])


def checks_by_asset() -> dict[str, list[dg.AssetCheckSpec]]:
    """The checks of every asset, those that block first."""
    found: dict[str, list[dg.AssetCheckSpec]] = {}
    resolved = defs.resolve_asset_graph()
    for key in resolved.asset_check_keys:
        spec = resolved.get_check_spec(key)
        found.setdefault(spec.asset_key.to_user_string(), []).append(spec)
    return {name: sorted(specs, key=lambda spec: (not spec.blocking, spec.name)) for name, specs in found.items()}


def asset_graph_page() -> str:
    """`asset_graph.md`: the picture, then every asset with what it reads and what it is asked."""
    checks = checks_by_asset()
    lines = ["# Asset graph", "", WRITTEN, "", mermaid(), ""]
    lines += [("A check that blocks keeps the batch invisible when it fails; one that warns is recorded, and the "
              "batch is published."), ""]  # fmt: skip
    for name, (layer, parents) in graph().items():
        lines += [
            f"## {name}",
            "",
            f"Layer `{layer}`. Reads {_listed(parents) or 'landed files'}. {_made(name)}",
            "",
        ]
        lines += _table(("check", "failing it", "true when it passes"), (
            (f"`{spec.name}`", "blocks" if spec.blocking else "warns", spec.description or "") for spec in checks[name]
        ))  # fmt: skip
    return _page(lines)


def data_dictionary_page() -> str:
    """`data_dictionary.md`: every table as its contract promises it, then the reason codes."""
    lines = ["# Data dictionary", "", WRITTEN, "", f"Tables of catalog `{CATALOG}`, namespace `{NAMESPACE}`.", ""]
    tables = [CONTRACTS[name] for name in graph() if name in CONTRACTS]
    lines += [*(f"- [{one.table}](#{one.table}): {one.description}" for one in tables),
              "- [Reason codes](#reason-codes)", ""]  # fmt: skip
    lines += [("Types are Iceberg's; `timestamptz` is UTC to the microsecond. Required columns hold no null. "
              "Missing is null: no double is NaN, infinite or -0.0."), ""]  # fmt: skip
    for contract in tables:
        lines += _dictionary_of(contract)
    lines += ["## Reason codes", "", (f"Rules of version {RULE_VERSION}. A hard code quarantines the tick, unless "
              "`silver.validation_rules` leaves it out: then it flags, as a soft code does. PARSE_ERROR always "
              "quarantines."), ""]  # fmt: skip
    lines += _table(("code", "kind", "meaning"), ((f"`{one.code}`", one.kind, one.meaning) for one in REASON_CODES))
    return _page(lines)


def readme_page() -> str:
    """The README with its picture drawn anew."""
    return filled(README, {"asset graph": mermaid()})


def models_page() -> str:
    """`models.md` with what the code knows of the models written anew."""
    facts = model_facts(graph(), checks_by_asset())
    return filled(MODELS, {name: f"\n{text}\n" for name, text in facts.items()})


def filled(page: Path, texts: Mapping[str, str]) -> str:
    """A page that is written by hand, with a text between each pair of its markers.

    Raises:
        ValueError: the page lacks the markers of a text, or has others.
    """
    found = page.read_text(encoding="utf-8")
    if strange := sorted(set(MARKED.findall(found)) ^ set(texts)):
        raise ValueError(f"{page.name}: markers and texts differ in {strange}: see MARKED in docs/build.py")
    return MARKED.sub(
        lambda mark: f"<!-- {mark[1]}: written by `make docs` -->\n{texts[mark[1]]}\n<!-- end of {mark[1]} -->", found
    )


def _dictionary_of(contract: Contract) -> Iterator[str]:
    yield from (f"## {contract.table}", "", contract.description, "")
    yield f"- **Layer:** {contract.layer}"
    yield f"- **Grain:** {contract.grain}"
    yield f"- **Key, unique in a partition:** {_listed(contract.key)}"
    yield f"- **Partition:** {_listed(contract.partition) or 'none, the table is replaced whole'}"
    if contract.sort:
        yield f"- **Sorted by:** {_listed(contract.sort)}"
    yield ""
    yield from _table(*_without_empty(COLUMN_HEAD, [_row(column) for column in contract.columns]))
    if contract.rules:
        yield from _table(
            ("rule", "severity", "condition", "meaning"),
            ((f"`{one.name}`", one.severity, f"`{one.condition}`", one.meaning) for one in contract.rules),
        )


def _row(column: Column) -> tuple[str, ...]:
    return (
        f"`{column.name}`",
        column.type,
        column.unit or "",
        "yes" if column.required else "",
        _range(column),
        "" if column.role == "plain" else column.role,
        column.meaning,
        column.source or "",
    )


def _range(column: Column) -> str:
    if column.allowed:
        return ", ".join(f"`{value}`" for value in column.allowed)
    bounds = ((">=", column.minimum), ("<=", column.maximum))
    return ", ".join(f"{sign} {value:g}" for sign, value in bounds if value is not None)


def _without_empty(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """A table without the columns that say nothing of any row."""
    kept = [place for place in range(len(head)) if any(row[place] for row in rows)]
    return [head[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _made(name: str) -> str:
    if name not in CONTRACTS:
        return "Kept in MLflow, not as a table."
    made = f"Made by [`{name}.sql`]({TRANSFORMS}/{name}.sql). " if name in transform_names() else ""
    return f"{made}Columns: [data dictionary](data_dictionary.md#{name})."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *([one.replace("|", "\\|") for one in row] for row in rows)]
    return [*("| " + " | ".join(row) + " |" for row in cells), ""]


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def stale() -> dict[Path, str]:
    """The generated files that are not what the code says, with the text that they should hold."""
    wanted = {path: text() for path, text in pages().items()}
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is out of date; with `--check`, only say so and return 1."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the docs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is out of date")
    is_check = parser.parse_args(arguments).check
    found = stale()
    for path, text in found.items():
        name = path.relative_to(PROJECT)
        if is_check:
            sys.stderr.write(f"error: {name} is not what the code says: run `make docs`\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {name}\n")
    return 1 if is_check and found else 0


if __name__ == "__main__":
    sys.exit(main())
