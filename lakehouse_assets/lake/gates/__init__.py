"""The gates: what staged rows must satisfy before anybody sees them; one module a question."""

from lakehouse_assets.lake.gates.chain import Chain, chain_gate
from lakehouse_assets.lake.gates.conservation import conservation_gate, landed_gate
from lakehouse_assets.lake.gates.contract import contract_gate
from lakehouse_assets.lake.gates.emptiness import emptiness_gate
from lakehouse_assets.lake.gates.freshness import freshness_gate
from lakehouse_assets.lake.gates.history import history_gate
from lakehouse_assets.lake.gates.images import images_gate
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict
from lakehouse_assets.lake.gates.volume import volume_gate

__all__ = [
    "Case",
    "Chain",
    "Gate",
    "Verdict",
    "chain_gate",
    "conservation_gate",
    "contract_gate",
    "emptiness_gate",
    "freshness_gate",
    "history_gate",
    "images_gate",
    "landed_gate",
    "volume_gate",
]
