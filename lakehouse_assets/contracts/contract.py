"""What a table promises, as data: the vocabulary in which every contract is written.

Belongs here: the shapes `Column`, `Rule` and `Contract`. Does not: any particular table (one module a layer),
nor how a promise is checked (`lake/gates`). From a contract come the Iceberg schema, the gate's checks,
the casts of every engine, the data dictionary and Dagster's column schema.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ColumnType = Literal["string", "long", "int", "double", "boolean", "date", "timestamptz", "binary"]
"""Types that DuckDB, Spark, Trino and Iceberg v2 all hold exactly; `timestamptz` is UTC with microseconds, `binary`
is bytes: no transform reads it."""

ColumnRole = Literal["plain", "feature", "label"]
"""Whether a learner may read the column: `feature` as input, `label` as target, `plain` never."""

Severity = Literal["error", "warn"]
"""`error` refuses the batch before anybody sees it; `warn` is recorded and published."""


@dataclass(frozen=True)
class Column:
    """One column: its name, type, unit and meaning, and what a value may be.

    `required` refuses nulls; `minimum` and `maximum` are inclusive and apply to non-null values;
    `allowed` lists the only values a string may take; `source` names the formula or document behind it.
    No double may ever be NaN, infinite or -0.0: missing is null.
    """

    name: str
    type: ColumnType
    meaning: str
    unit: str | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    source: str | None = None
    role: ColumnRole = "plain"


@dataclass(frozen=True)
class Rule:
    """A promise about whole rows: `condition` is SQL in the portable subset that must be true or null on every row."""

    name: str
    condition: str
    meaning: str
    severity: Severity = "error"


@dataclass(frozen=True)
class Contract:
    """One table: grain, key, columns, rules and layout.

    `partition` columns are identity-partitioned; `()` is a table that is replaced whole.
    `key` is unique among the rows of one partition; `sort` orders rows inside a file.
    """

    table: str
    layer: str
    description: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: tuple[str, ...] = ("trading_date",)
    sort: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a contract that contradicts itself.

        Raises:
            ValueError: a name is used twice, or key, partition or sort name a column that is not there.
        """
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"contract {self.table}: a column is declared twice")
        for concern, used in (("key", self.key), ("partition", self.partition), ("sort", self.sort)):
            if missing := set(used) - set(names):
                raise ValueError(f"contract {self.table}: {concern} names unknown columns {sorted(missing)}")

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names in declaration order."""
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns a learner may use as input."""
        return tuple(column.name for column in self.columns if column.role == "feature")

    @property
    def is_partitioned(self) -> bool:
        """Whether the table is written one trading date at a time."""
        return "trading_date" in self.partition

    def check_name(self, plural: str, singular: str) -> str:
        """A check's name as a sentence about this table, e.g. `gold_put_call_ratios_are_fresh`."""
        return f"{self.table}_{plural if self.table.endswith('s') else singular}"
