"""MLflow as a Dagster resource.

Belongs here: how a step gets at the store. Does not: what it does with it (tracking, registry, model_training).
"""

import dagster as dg

from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import load_settings


class MlflowResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The tracking and registry store; empty fields mean what the settings say. Nothing is opened before it is used."""

    tracking_uri: str = ""
    artifact_root: str = ""

    @property
    def store(self) -> TrackingStore:
        """Runs and experiments."""
        if self.tracking_uri and self.artifact_root:
            return TrackingStore(self.tracking_uri, self.artifact_root)
        settings = load_settings()
        return TrackingStore(self.tracking_uri or settings.mlflow_uri, self.artifact_root or settings.mlflow_artifacts)

    @property
    def registry(self) -> ModelRegistry:
        """The versions of `TickPricePredictor`."""
        return ModelRegistry(self.store)
