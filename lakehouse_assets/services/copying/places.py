"""From where to where: the settings of both ends, and what must hold of them before a byte is written.

Belongs here: refusing ends that are one, empty or not in order. Does not: copying.
"""

from collections.abc import Iterator
from pathlib import Path

from lakehouse_assets.lake.catalog import without_password
from lakehouse_assets.services.copying.report import CopyRefused
from lakehouse_assets.services.doctor import Finding, questions
from lakehouse_assets.services.doctor.finding import found
from lakehouse_assets.services.tracking_store import SQLITE
from lakehouse_assets.settings import CatalogSettings, Settings, StorageSettings, TrackingSettings, load_settings

NEEDED = ("catalog", "bucket", "clock", "MLflow")
"""What a copy asks the doctor about."""


def embedded_at(folder: Path | None) -> Settings:
    """The embedded profile as it stands, or that of another state folder, whatever servers the environment names."""
    known = load_settings("embedded")
    if folder is None:
        return known
    if not (folder / "catalog.db").is_file():
        raise CopyRefused(f"{folder} is no state folder of the embedded profile: it has no catalog.db; correct --from")
    alone = {"catalog": CatalogSettings(), "storage": StorageSettings(), "mlflow": TrackingSettings()}
    return known.model_copy(update={"home": folder.resolve(), **alone})


def refuse_unfit(source: Settings, target: Settings) -> None:
    """Refuse what cannot end well.

    Raises:
        CopyRefused: both ends are one, the source holds nothing, or a server of the target is not in order.
    """
    if source.catalog_uri == target.catalog_uri:
        raise CopyRefused(
            f"source and target are the same catalog, {without_password(source.catalog_uri)}: name the embedded state "
            "folder with --from, or unset what points the embedded profile at the servers (LAKEHOUSE_CATALOG__URI)"
        )
    if source.catalog_uri.startswith(SQLITE) and not Path(source.catalog_uri.removeprefix(SQLITE)).is_file():
        raise CopyRefused(
            f"there is nothing to copy: {source.home} has no catalog; name the embedded state folder with --from"
        )
    for one in unwell(target):
        raise CopyRefused(
            f"{one.check} of the target is not in order: {one.said} - {one.fix} ({one.where}); `lakehouse doctor "
            f"--profile {target.profile}` asks everything"
        )


def unwell(target: Settings) -> Iterator[Finding]:
    """What the doctor finds wrong with the servers that are written to."""
    for question in questions(target):
        if question.check in NEEDED:
            answer = found(question, target)
            if answer.state == "failed":
                yield answer
