"""RAW: the landing zone's manifest, and the images.

Belongs here: the assets and their checks. Does not: scanning (`sources/landing`), reading images (`sources/images`).
"""

from datetime import UTC, datetime

import dagster as dg

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES, RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.asset import LAKE, lake_asset
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.gates import images_gate
from lakehouse_assets.lake.gates.readable import readable_gate
from lakehouse_assets.lake.images import LandedImages, landed_images
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.table import pin
from lakehouse_assets.layers import RAW
from lakehouse_assets.settings import SettingsError


@lake_asset(
    RAW_OPTION_TICK_FILES, group_name=RAW, gates=[readable_gate(RAW_OPTION_TICK_FILES)], pool="raw_option_tick_files"
)
def raw_option_tick_files(context: dg.AssetExecutionContext) -> Rows:
    """Every file of the landing zone, read once through before any of it is taken in."""
    from lakehouse_assets.sources.landing import scan

    lake: Lake = getattr(context.resources, LAKE).lake
    known = pin(lake, RAW_OPTION_TICK_FILES).batches().read_all()
    return Rows(scan(lake.settings.raw, lake.settings, known, datetime.now(UTC)))


@lake_asset(RAW_MNIST_IMAGES, group_name=RAW, gates=[images_gate(RAW_MNIST_IMAGES)])
def raw_mnist_images(context: dg.AssetExecutionContext) -> LandedImages:
    """Handwritten digits for the networks, as `mnist.origin` of the settings says."""
    from lakehouse_assets.sources.adapter import FileRefused

    lake: Lake = getattr(context.resources, LAKE).lake
    try:
        return landed_images(lake.settings)
    except (SettingsError, FileRefused) as refused:  # the same at each try, until somebody acts
        raise dg.Failure(str(refused), allow_retries=False) from refused
