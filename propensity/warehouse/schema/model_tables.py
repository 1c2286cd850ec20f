"""Tables of model versions and of the decisions between them."""

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
    Column("model_version", String(80), primary_key=True, comment="name of the version"),
    make_time("trained_at", "when it was trained"),
    Column("artifact_uri", Text, nullable=False, comment="folder of its members"),
    Column("input_digest", String(64), nullable=False, comment="of the book it learnt from"),
    Column("config_digest", String(64), nullable=False, comment="of its configuration"),
    Column("contract_digest", String(64), nullable=False, comment="of its contract"),
    Column("code_version", String(40), nullable=False, comment="version of this software"),
    Column(
        "n_labelled", BigInteger, nullable=False, comment="policyholders whose response is known"
    ),
    *make_quality("model_versions"),
    Column(
        "files_digest",
        String(64),
        comment="SHA-256 of its manifest.json, which holds those of its other files; checked "
        "before it is loaded; empty for versions of before",
    ),
    comment="one row a version, whether or not it ever served",
)

promotions = Table(
    "promotions",
    metadata,
    Column("promotion_id", Integer, primary_key=True, comment="number of the decision"),
    make_time("decided_at", "when"),
    Column("decided_by", String(80), nullable=False, comment="the gate, or who rolled back"),
    Column("as_of", Date, nullable=False, comment="date of the night from which it holds"),
    Column(
        "run_id",
        ForeignKey("scoring_runs.run_id"),
        comment="in which run; empty for a model that was rolled back by hand",
    ),
    Column(
        "from_version",
        ForeignKey("model_versions.model_version"),
        comment="the champion before, if any",
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
    Column("reason", Text, nullable=False, comment="one sentence: the numbers, or who said why"),
    CheckConstraint(
        "decision IN ('promoted', 'kept_champion', 'rejected', 'rolled_back')", name="decision"
    ),
    comment="which model version serves, and why; append-only",
)
