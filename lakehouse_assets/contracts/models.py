"""What the tables about models promise.

Belongs here: the ledger of promotions. Does not: models themselves, which the registry keeps.
"""

from typing import Final

from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.layers import MODELS

PROMOTION: Final = "promotion"
ROLLBACK: Final = "rollback"
RECONCILED: Final = "reconciled"
NATS: Final = "nats a row"

MODEL_PROMOTIONS = Contract(
    table="model_promotions",
    layer=MODELS,
    description="Every move of a model's @champion: when, by which run, from which version to which, and why.",
    grain="one move of the champion of one registered model; rows are added, never changed",
    columns=(
        Column("model", "string", "Registered model", required=True),
        Column("sequence", "long", "Number of the move among those of the model, without gaps", required=True,
               minimum=1),
        Column("moved_at", "timestamptz", "When the champion was moved; when it was noticed, where reconciled",
               required=True),
        Column("moved_by", "string", "Dagster run that moved it, or cli; where reconciled, who noticed",
               required=True),
        Column("kind", "string", "promotion (judged better), rollback (put back), or reconciled (the alias was found "
               "moved by something else)", required=True, allowed=(PROMOTION, ROLLBACK, RECONCILED)),
        Column("from_version", "long", "Champion before; null where there was none", minimum=1),
        Column("to_version", "long", "Champion after; null where the alias was taken away", minimum=1),
        Column("to_log_loss", "double", "Log-loss of to_version on the hold-out", unit=NATS, minimum=0),
        Column("from_log_loss", "double", "Log-loss of from_version on the same rows", unit=NATS, minimum=0),
        Column("log_loss_advantage", "double", "How much lower the log-loss of to_version is", unit=NATS,
               source="from_log_loss - to_log_loss"),
        Column("log_loss_advantage_low", "double", "Lower end of its 95 % block-bootstrap interval", unit=NATS),
        Column("log_loss_advantage_high", "double", "Upper end of its 95 % block-bootstrap interval", unit=NATS),
        Column("to_accuracy", "double", "Accuracy of to_version on the hold-out", minimum=0, maximum=1),
        Column("why", "string", "The reason in one sentence", required=True),
        Column("data_key", "string", "Digest of all that to_version was trained from"),
        Column("hold_out", "string", "Snapshots that the scores were taken on, as table@snapshot, comma-separated"),
    ),
    key=("model", "sequence"),
    partition=(),
    sort=("model", "sequence"),
    rules=(
        Rule("a_move_changes_the_champion", "COALESCE(from_version, 0) <> COALESCE(to_version, 0)",
             "What stays where it is has not moved"),
        Rule("we_move_to_a_version", "kind = 'reconciled' OR to_version IS NOT NULL",
             "Only others take the alias away"),
        Rule("intervals_are_ordered", "log_loss_advantage_low <= log_loss_advantage_high",
             "An interval begins before it ends"),
    ),
)  # fmt: skip
