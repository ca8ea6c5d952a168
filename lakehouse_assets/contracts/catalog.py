"""Every contract by the name of its table.

Belongs here: the one place that collects the contracts of all layers. Does not: a contract (one module a layer).
The modules of this folder are imported when a contract is first asked for, not with this one.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from lakehouse_assets import contracts
from lakehouse_assets.contracts.contract import Contract


class Catalog(Mapping[str, Contract]):
    """The contracts by table, in alphabetical order; read once, at the first question."""

    @cached_property
    def _by_table(self) -> dict[str, Contract]:
        found: dict[str, Contract] = {}
        for module in iter_modules(contracts.__path__, f"{contracts.__name__}."):
            if module.name == __name__:
                continue
            for value in vars(import_module(module.name)).values():
                if isinstance(value, Contract) and found.setdefault(value.table, value) is not value:
                    raise ValueError(f"two contracts declare table {value.table}; the second is in {module.name}")
        return dict(sorted(found.items()))

    def __getitem__(self, table: str) -> Contract:
        """The contract of a table.

        Raises:
            KeyError: no contract declares it; the message lists those that are declared.
        """
        try:
            return self._by_table[table]
        except KeyError:
            raise KeyError(f"no contract declares table {table!r}; declared: {', '.join(self._by_table)}") from None

    def __iter__(self) -> Iterator[str]:
        """The names of the tables."""
        return iter(self._by_table)

    def __len__(self) -> int:
        """How many tables have a contract."""
        return len(self._by_table)


CONTRACTS: Final[Mapping[str, Contract]] = Catalog()
"""Every contract by the name of its table."""
