"""Artifacts of a run or a model, from one MLflow store to another, compared file by file.

Belongs here: fetching, putting and comparing folders of files. Does not: whose they are (`runs`).
"""

from collections.abc import Callable
from pathlib import Path

from lakehouse_assets.services.scratch import scratch_folder
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.sources.landing.folder import sha256_of


class ArtifactDamaged(RuntimeError):
    """An artifact arrived otherwise than it was sent; the message says which. What it belongs to is made anew."""


def copy_artifacts(
    source: TrackingStore, uri: str, target: TrackingStore, put: Callable[[Path], None], there: str
) -> int:
    """Copy all files below an artifact URI; their bytes.

    Args:
        source: the store that knows `uri`.
        uri: the folder of the artifacts.
        target: the store that they are put into.
        put: puts all files of a folder.
        there: the URI of the folder where they lie then.

    Raises:
        ArtifactDamaged: a file came back otherwise, or not at all.
    """
    with scratch_folder("copy-") as scratch:
        sent = _fetched(source, uri, Path(scratch) / "sent")
        digests = _digests(sent)
        if not digests:
            return 0
        with target.pointed_at():
            put(sent)
        arrived = _digests(_fetched(target, there, Path(scratch) / "back"))
        for name, digest in digests.items():
            if arrived.get(name) != digest:
                raise ArtifactDamaged(
                    f"{there}/{name}: sha256 {digest[:12]} was sent, {arrived.get(name, 'nothing')[:12]} came back; "
                    "copy again, and look at the server's artifact store if it happens twice"
                )
        return sum(file.stat().st_size for file in _files(sent))


def _fetched(store: TrackingStore, uri: str, folder: Path) -> Path:
    """Fetch all files below a URI, if there are any; the folder that holds them."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    folder.mkdir()
    with store.pointed_at():
        is_there = bool(list_artifacts(artifact_uri=uri))
        return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder))) if is_there else folder


def _digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file by its relative name."""
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in _files(folder)}


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())
