"""Tables of the warehouse, as SQLAlchemy sees them. Alembic (migrations/) makes them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("model_version", String(80), primary_key=True),
    Column("trained_at", DateTime(timezone=True), nullable=False),
    Column("artifact_uri", Text, nullable=False),
    Column("input_digest", String(64), nullable=False),
    Column("config_digest", String(64), nullable=False),
    Column("contract_digest", String(64), nullable=False),
    Column("code_version", String(40), nullable=False),
    Column("n_labelled", BigInteger, nullable=False),
    Column("prevalence", Float, nullable=False),
    Column("f1_score", Float, nullable=False),
    Column("f1_low", Float, nullable=False),
    Column("f1_high", Float, nullable=False),
    Column("average_precision", Float, nullable=False),
    Column("roc_auc", Float, nullable=False),
    Column("brier", Float, nullable=False),
    Column("calibration_error", Float, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("promotion_id", Integer, primary_key=True),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("run_id", ForeignKey("scoring_runs.run_id"), nullable=False),
    Column("from_version", ForeignKey("model_versions.model_version")),
    Column("to_version", ForeignKey("model_versions.model_version"), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("decision IN ('promoted', 'kept_champion', 'rejected')", name="decision"),
)

scoring_runs = Table(
    "scoring_runs",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("run_name", String(80), nullable=False, unique=True),
    Column("as_of", Date, nullable=False),
    Column("input_digest", String(64), nullable=False),
    Column("config_digest", String(64), nullable=False),
    Column("input_files", Text, nullable=False),
    Column("code_version", String(40), nullable=False),
    Column("flow_run_id", String(40)),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    Column("model_version", ForeignKey("model_versions.model_version")),
    Column("n_policyholders", BigInteger),
    Column("n_rejected", BigInteger),
    Column("n_labelled", BigInteger),
    Column("prevalence", Float),
    Column("f1_score", Float),
    Column("f1_low", Float),
    Column("f1_high", Float),
    Column("precision", Float),
    Column("recall", Float),
    Column("average_precision", Float),
    Column("roc_auc", Float),
    Column("brier", Float),
    Column("calibration_error", Float),
    CheckConstraint("status IN ('running', 'published', 'failed', 'crashed')", name="status"),
)

run_thresholds = Table(
    "run_thresholds",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True),
    Column("fold", SmallInteger, primary_key=True),
    Column("decision_threshold", Float, nullable=False),
)

policyholder_scores = Table(
    "policyholder_scores",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True),
    Column("policyholder_id", BigInteger, primary_key=True),
    Column("fold", SmallInteger, nullable=False),
    Column("response_known", SmallInteger, nullable=False),
    Column("probability", Float, nullable=False),
    Column("percentile", Float, nullable=False),
    Column("decile", SmallInteger, nullable=False),
    Column("predicted_response", SmallInteger, nullable=False),
    Index(None, "run_id", "response_known", "probability"),
    sqlite_with_rowid=False,
)

published_run = Table(
    "published_run",
    metadata,
    Column("pointer", SmallInteger, primary_key=True, autoincrement=False),
    Column("run_id", ForeignKey("scoring_runs.run_id"), nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("pointer = 1", name="one_row"),
)
