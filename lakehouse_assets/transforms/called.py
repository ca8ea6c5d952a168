"""Functions in Python that SQL calls by name, where SQL cannot: one small table of them, for every engine to read.

Belongs here: their names, types and code, and how DuckDB gets to know them. Does not: what they compute (`black`).
Null in, null out: an answer is null where an argument is, and where the function has none (NaN). An engine calls them
with a few thousand rows at a time, so memory stays flat; the module of a function is imported at its first call.
Spark can have the same functions as `arrow_udf`; Trino cannot run Python, so it does not compute tables that call them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


SqlType = Literal["DOUBLE", "BOOLEAN", "VARCHAR"]
"""Types that a called function may take or give, as SQL names them."""


@dataclass(frozen=True)
class Called:
    """A function of `module` in this folder, by the name under which SQL calls it.

    It takes NumPy arrays of one length, one an argument: float64 with NaN for null, or bool. It returns float64 with
    NaN for null where `returns` is DOUBLE, objects with None for null where it is VARCHAR.
    """

    name: str
    arguments: tuple[SqlType, ...]
    returns: SqlType
    module: str
    function: str

    def load(self) -> Callable[..., Any]:
        """The function itself."""
        found: Callable[..., Any] = getattr(import_module(f"{__package__}.{self.module}"), self.function)
        return found


_PRICED: Final[tuple[SqlType, ...]] = ("DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE", "BOOLEAN")

CALLED: Final[Mapping[str, Called]] = {
    one.name: one
    for one in (
        # value, forward, strike, years, is_call
        Called("black_volatility", _PRICED, "DOUBLE", "black", "implied_volatility"),
        Called("black_refusal", _PRICED, "VARCHAR", "black", "refusal"),
        # forward, strike, years, volatility, is_call where call and put differ
        Called("black_delta", _PRICED, "DOUBLE", "black", "delta"),
        Called("black_gamma", _PRICED[:4], "DOUBLE", "black", "gamma"),
        Called("black_vega", _PRICED[:4], "DOUBLE", "black", "vega"),
        Called("black_theta", _PRICED[:4], "DOUBLE", "black", "theta"),
    )
}
"""Every function by the name that SQL calls, in lower case."""


def register(connection: "duckdb.DuckDBPyConnection") -> None:
    """Let a fresh connection of DuckDB call the functions; it must be closed before the process ends."""
    from duckdb.func import FunctionNullHandling, PythonUDFType

    for one in CALLED.values():
        types: list[Any] = list(one.arguments)
        connection.create_function(
            one.name,
            on_arrow(one),
            types,
            one.returns,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
            side_effects=False,
        )


def on_arrow(called: Called) -> Callable[..., "pa.Array"]:
    """The function over Arrow arrays of one length, as DuckDB and Spark call it."""

    def answer(*arguments: Any) -> Any:
        import numpy as np
        import pyarrow as pa

        missing = np.zeros(len(arguments[0]), dtype=bool)
        given = []
        for argument in arguments:
            missing |= argument.is_null().to_numpy(zero_copy_only=False)
            is_flag = pa.types.is_boolean(argument.type)
            given.append((argument.fill_null(False) if is_flag else argument).to_numpy(zero_copy_only=False))
        found = called.load()(*given)
        if called.returns == "VARCHAR":
            return pa.array(found, pa.string(), mask=missing)
        return pa.array(found, pa.float64(), mask=missing | np.isnan(found))

    # DuckDB counts the parameters that inspect shows
    places = [Parameter(f"x{place}", Parameter.POSITIONAL_ONLY) for place in range(len(called.arguments))]
    answer.__signature__ = Signature(places)  # type: ignore[attr-defined]
    return answer


def functions_named(text: str) -> tuple[str, ...]:
    """The functions that a text may call, in alphabetical order; a name in a comment counts too."""
    return tuple(sorted(CALLED.keys() & set(re.findall(r"[a-z0-9_]+", text.lower()))))


def code_named(text: str) -> Mapping[str, str]:
    """Digests of the code behind the functions that a text may call, by module: the rows depend on it."""
    return {module: _digest(module) for module in sorted({CALLED[name].module for name in functions_named(text)})}


@cache
def _digest(module: str) -> str:
    return sha256(Path(__file__).with_name(f"{module}.py").read_bytes()).hexdigest()
