"""The shape of an asset: a function from pinned tables to content, made a gated, published table.

Belongs here: the decorators that wrap stage, judge and publish around a function. Does not: any table.
The function's parameters are the upstream assets: the signature is the edge.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.describe import check_specs, code_references, column_lineage, table_schema
from lakehouse_assets.lake.engines.choice import computed_by
from lakehouse_assets.lake.gates import Gate, contract_gate, freshness_gate, volume_gate
from lakehouse_assets.lake.io_manager import share
from lakehouse_assets.lake.judging import Judged, judge
from lakehouse_assets.lake.measures import measures
from lakehouse_assets.lake.query import Content
from lakehouse_assets.lake.schema import SchemaConflict
from lakehouse_assets.lake.staging import WHOLE, Staged, stage
from lakehouse_assets.lake.strays import StrayRows
from lakehouse_assets.lake.table import DeleteFilesFound
from lakehouse_assets.lake.verdicts import check_results, evaluation, refusal
from lakehouse_assets.partitions import trading_dates
from lakehouse_assets.settings import SettingsError, load_settings

IO_MANAGER = "lake_io_manager"
LAKE = "lake"
CONTEXT = "context"
"""A function that names this parameter gets the step's context; every other parameter is an upstream asset."""

HOPELESS = (StrayRows, SchemaConflict, DeleteFilesFound, SettingsError)
"""What the same step would meet again on the same inputs: somebody must act, so it is not tried again."""

Build = Callable[..., Content | Mapping[str, Content]]


def lake_asset(
    contract: Contract, *, group_name: str, gates: Sequence[Gate] = (), pool: str | None = None
) -> Callable[[Build], dg.AssetsDefinition]:
    """Make a function that returns the table's content an asset: staged, judged, then published in one commit.

    Args:
        contract: the table's promise; its name is the asset's key and must be the function's.
        group_name: the layer.
        gates: questions beyond contract, volume and freshness.
        pool: where runs must wait for one another.
    """
    return lake_assets({contract: gates}, group_name=group_name, pool=pool)


def lake_assets(
    contracts: Mapping[Contract, Sequence[Gate]], *, group_name: str, pool: str | None = None
) -> Callable[[Build], dg.AssetsDefinition]:
    """Tables made in one step from one pin of their inputs, judged together, published in the order given.

    The function returns a mapping from table name to content (or the content itself where there is one table).
    """

    def wrap(build: Build) -> dg.AssetsDefinition:
        upstream = [name for name in inspect.signature(build).parameters if name != CONTEXT]
        gated = {c.table: (contract_gate(c), volume_gate(c), freshness_gate(c), *g) for c, g in contracts.items()}
        is_partitioned = all(contract.is_partitioned for contract in contracts)

        @dg.multi_asset(
            name=build.__name__,
            description=build.__doc__,
            ins={name: dg.AssetIn(key=name, input_manager_key=IO_MANAGER) for name in upstream},
            outs={c.table: _out(c, build, upstream, group_name) for c in contracts},
            check_specs=[spec for c in contracts for spec in check_specs(c, gated[c.table])],
            partitions_def=trading_dates if is_partitioned else None,
            backfill_policy=dg.BackfillPolicy.single_run() if is_partitioned else None,
            required_resource_keys={LAKE},
            retry_policy=retry_policy(),
            pool=pool,
        )
        def step(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[Any]:
            yield from _run(context, build, list(contracts), gated, inputs)

        return step

    return wrap


def retry_policy() -> dg.RetryPolicy:
    """How a failed step is tried again, by the settings."""
    retries = load_settings().retries
    return dg.RetryPolicy(
        max_retries=retries.tries,
        delay=retries.delay_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )


def _out(contract: Contract, build: Build, upstream: Sequence[str], group_name: str) -> dg.AssetOut:
    code = inspect.unwrap(build).__code__
    return dg.AssetOut(
        key=contract.table,
        description=f"{contract.description}\n\nGrain: {contract.grain}.\n\n{inspect.getdoc(build) or ''}",
        io_manager_key=IO_MANAGER,
        group_name=group_name,
        kinds={"iceberg", computed_by(contract.table, load_settings())},
        owners=[load_settings().owner],
        tags={"layer": contract.layer},
        metadata={
            "dagster/column_schema": table_schema(contract),
            "dagster/column_lineage": column_lineage(contract, upstream),
            "dagster/code_references": code_references(code.co_filename, code.co_firstlineno, contract.table),
            "key": ", ".join(contract.key),
        },
        is_required=True,
    )


def _run(
    context: dg.AssetExecutionContext,
    build: Build,
    contracts: Sequence[Contract],
    gates: Mapping[str, Sequence[Gate]],
    inputs: Mapping[str, Any],
) -> Iterator[Any]:
    keys = list(context.partition_keys) if contracts[0].is_partitioned else [WHOLE]
    wants_context = CONTEXT in inspect.signature(build).parameters
    made = build(context, **inputs) if wants_context else build(**inputs)
    contents = made if isinstance(made, Mapping) else {contracts[0].table: made}
    lake = context.resources.lake.lake
    together: list[Staged] = []
    try:
        for contract in contracts:
            context.log.info(f"staging {contract.table} for {keys[0]} .. {keys[-1]}")
            together.append(stage(lake, contract, contents[contract.table], keys))
        verdicts = judge(together, gates)
        for staged in together:
            staged.release(lake)
    except HOPELESS as error:
        _discard(lake, together)
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
    except BaseException:
        _discard(lake, together)
        raise
    yield from _refuse_or_yield(context, together, verdicts)


def _refuse_or_yield(
    context: dg.AssetExecutionContext, together: Sequence[Staged], verdicts: Sequence[Judged]
) -> Iterator[Any]:
    refused = [judged for judged in verdicts if judged.refuses]
    if refused:
        for staged in together:
            yield from check_results(staged.contract.table, verdicts)
        raise refusal(refused, [p.folder for staged in together for p in staged.partitions if p.folder])
    for number, staged in enumerate(together):
        try:
            yield from _materialize(context, staged, verdicts)
        except GeneratorExit:  # the I/O manager could not publish this table, so the next ones are not either
            _discard(context.resources.lake.lake, together[number + 1 :])
            raise


def _materialize(context: dg.AssetExecutionContext, staged: Staged, verdicts: Sequence[Judged]) -> Iterator[Any]:
    """Hand one table to the I/O manager, which publishes it, with its verdicts and numbers."""
    table, is_range = staged.contract.table, len(staged.partitions) > 1
    if is_range:  # before the result: with its metadata alone every day would show the total
        for part in staged.partitions:
            shares = {**measures(staged, part), **share(part)}
            context.add_asset_metadata(shares, asset_key=table, partition_key=part.key)
    yield dg.MaterializeResult(
        asset_key=table,
        value=staged,
        check_results=check_results(table, verdicts),
        data_version=dg.DataVersion(data_version(staged)),
        metadata={} if is_range else measures(staged, staged.partitions[0]),
    )
    if is_range:
        dated = (one for one in verdicts if one.table == table and not one.gate.is_of_the_table)
        yield from (evaluation(context, judged) for judged in dated)


def data_version(staged: Staged) -> str:
    """The content keys of the partitions: equal content, equal version."""
    keys = [part.commit_key for part in staged.partitions]
    return keys[0] if len(keys) == 1 else "+".join(key[:12] for key in keys)[:200]


def _discard(lake: Lake, together: Sequence[Staged]) -> None:
    for staged in together:
        staged.discard(lake)
