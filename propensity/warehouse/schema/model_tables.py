"""Tables of model versions and of promotion decisions."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
)

from propensity.warehouse.schema.columns import make_quality, make_time, metadata

model_versions = Table(
    "model_versions",
    metadata,
    Column("model_version", String(80), primary_key=True, comment="name of the model version"),
    make_time("trained_at", "when the model was trained"),
    Column("artifact_uri", Text, nullable=False, comment="folder that holds its members"),
    Column("input_digest", String(64), nullable=False, comment="SHA-256 of the training CSV"),
    Column("config_digest", String(64), nullable=False, comment="SHA-256 of its configuration"),
    Column("contract_digest", String(64), nullable=False, comment="SHA-256 of its contract"),
    Column("code_version", String(40), nullable=False, comment="version of propensity used"),
    Column(
        "n_labelled", BigInteger, nullable=False, comment="policyholders whose response is known"
    ),
    *make_quality("model_versions"),
    Column(
        "files_digest",
        String(64),
        comment="SHA-256 of its manifest.json, which lists the digests of its other files; checked "
        "before loading; empty for versions registered before digests existed",
    ),
    comment="one row per model version, whether or not it ever served",
)

promotions = Table(
    "promotions",
    metadata,
    Column("promotion_id", Integer, primary_key=True, comment="number of the decision"),
    make_time("decided_at", "when the decision was made"),
    Column("decided_by", String(80), nullable=False, comment="gate, or the user who rolled back"),
    Column("as_of", Date, nullable=False, comment="date of the night from which it applies"),
    Column(
        "run_id",
        ForeignKey("scoring_runs.run_id"),
        comment="run in which it was made; empty for a rollback by hand",
    ),
    Column(
        "from_version",
        ForeignKey("model_versions.model_version"),
        comment="the previous champion, if any",
    ),
    Column(
        "to_version",
        ForeignKey("model_versions.model_version"),
        nullable=False,
        comment="the candidate, or the version rolled back to",
    ),
    Column(
        "decision",
        String(20),
        nullable=False,
        comment="promoted, kept_champion, rejected or rolled_back",
    ),
    Column("reason", Text, nullable=False, comment="one sentence: the figures, or why"),
    CheckConstraint(
        "decision IN ('promoted', 'kept_champion', 'rejected', 'rolled_back')", name="decision"
    ),
    comment="decisions about which model version serves, with their reasons; append-only",
)
