"""Tables of the warehouse and what each column means. Alembic (migrations/) makes them.

The comments here are the only description: PostgreSQL COMMENTs and docs/tables.md are made of them.
"""

from typing import Any

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
    text,
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


def _time(name: str, comment: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def _quality(*, nullable: bool = False) -> list[Column[Any]]:
    """Metrics that scoring_runs and model_versions both keep."""
    meanings = {
        "prevalence": "share of ones among those whose response is known",
        "f1_score": "cross-fitted F1 at the decision thresholds",
        "f1_low": "lower end of its 95 % interval",
        "f1_high": "upper end of its 95 % interval",
        "average_precision": "area under the precision-recall curve",
        "roc_auc": "chance that a yes is scored above a no",
        "brier": "mean squared error of the probability",
        "calibration_error": "mean gap between predicted and actual share, 20 bins of equally many",
    }
    return [Column(n, Float, nullable=nullable, comment=c) for n, c in meanings.items()]


model_versions = Table(
    "model_versions",
    metadata,
    Column("model_version", String(80), primary_key=True, comment="name of the version"),
    _time("trained_at", "when it was trained"),
    Column("artifact_uri", Text, nullable=False, comment="folder of its members"),
    Column("input_digest", String(64), nullable=False, comment="of the book it learnt from"),
    Column("config_digest", String(64), nullable=False, comment="of its configuration"),
    Column("contract_digest", String(64), nullable=False, comment="of its contract"),
    Column("code_version", String(40), nullable=False, comment="version of this software"),
    Column(
        "n_labelled", BigInteger, nullable=False, comment="policyholders whose response is known"
    ),
    *_quality(),
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
    _time("decided_at", "when"),
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

scoring_runs = Table(
    "scoring_runs",
    metadata,
    Column("run_id", Integer, primary_key=True, comment="number of the run"),
    Column(
        "run_name",
        String(80),
        nullable=False,
        unique=True,
        comment="date and digest; names folders and model versions; -2, -3 ... when repeated",
    ),
    Column("as_of", Date, nullable=False, comment="date the night stands for"),
    Column("input_digest", String(64), nullable=False, comment="SHA-256 of the CSV contents"),
    Column(
        "config_digest", String(64), nullable=False, comment="of contract, settings, code version"
    ),
    Column("input_files", Text, nullable=False, comment="names of the CSV files, a JSON list"),
    Column("code_version", String(40), nullable=False, comment="version of this software"),
    Column("flow_run_id", String(40), comment="the Prefect flow run"),
    _time("started_at", "when it began"),
    _time("finished_at", "when it was published, failed, or was found crashed", nullable=True),
    Column(
        "status",
        String(20),
        nullable=False,
        comment="running, published, failed, crashed, or retired: published once, scores dropped",
    ),
    Column("reason", Text, comment="why it failed"),
    Column(
        "model_version",
        ForeignKey("model_versions.model_version"),
        comment="the version that scored",
    ),
    Column("n_policyholders", BigInteger, comment="policyholders scored"),
    Column("n_rejected", BigInteger, comment="rows that broke the contract"),
    Column("n_labelled", BigInteger, comment="policyholders whose response is known"),
    Column("n_control", BigInteger, comment="policyholders in the control group"),
    Column("n_leads", BigInteger, comment="policyholders with a lead_rank"),
    *_quality(nullable=True),
    Column("precision", Float, comment="share of the predicted who said yes"),
    Column("recall", Float, comment="share of those who said yes who were predicted"),
    CheckConstraint(
        "status IN ('running', 'published', 'failed', 'crashed', 'retired')", name="status"
    ),
    comment="one row a run: what it read, what became of it",
)

run_thresholds = Table(
    "run_thresholds",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True, comment="the run"),
    Column("fold", SmallInteger, primary_key=True, comment="the fold it was applied to"),
    Column("decision_threshold", Float, nullable=False, comment="chosen for F1 on the other folds"),
    comment="the decision threshold of each fold of a run",
)

run_gains = Table(
    "run_gains",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True, comment="the run"),
    Column("percent", SmallInteger, primary_key=True, comment="call this per cent of the leads"),
    Column(
        "n_policyholders", BigInteger, nullable=False, comment="the best so many, at publishing"
    ),
    Column(
        "expected_buyers", Float, nullable=False, comment="sum of their calibrated probabilities"
    ),
    Column("expected_low", Float, nullable=False, comment="lower end of the 95 % interval"),
    Column("expected_high", Float, nullable=False, comment="upper end of the 95 % interval"),
    Column("lift", Float, nullable=False, comment="expected share of yes over that of all leads"),
    Column("reached_share", Float, nullable=False, comment="share of all expected buyers reached"),
    Column(
        "actual_ratio",
        Float,
        nullable=False,
        comment="actual over expected buyers, of the known responses this good",
    ),
    Column(
        "relative_error",
        Float,
        nullable=False,
        comment="standard error of that ratio",
    ),
    comment="what to expect from calling the best 1 to 100 per cent of the leads of a run",
)

policyholder_scores = Table(
    "policyholder_scores",
    metadata,
    Column("run_id", Integer, primary_key=True, comment="the run"),
    Column("policyholder_id", BigInteger, primary_key=True, comment="as in the CSV"),
    Column(
        "fold",
        SmallInteger,
        nullable=False,
        comment="0 to 4, for ever the same; the member that scored them never saw this fold",
    ),
    Column("response_known", SmallInteger, nullable=False, comment="1: has answered, 0: not yet"),
    Column("response", SmallInteger, comment="1: said yes, 0: said no, empty: not known"),
    Column(
        "is_control",
        SmallInteger,
        nullable=False,
        comment="1: in the control group, never a lead, so that uplift can be measured",
    ),
    Column(
        "lead_rank",
        BigInteger,
        comment="place among the leads, 1 is the best; empty for control group and known response",
    ),
    Column(
        "probability",
        Float,
        nullable=False,
        comment="calibrated probability of saying yes, 0 to 1; "
        "summed over people it is the number of buyers to expect",
    ),
    Column(
        "percentile",
        Float,
        nullable=False,
        comment="per cent of the book whose probability is not higher; 100 is the best",
    ),
    Column(
        "decile",
        SmallInteger,
        nullable=False,
        comment="tenth of the book: 1 is the best (percentile above 90), 10 the last",
    ),
    Column(
        "predicted_response",
        SmallInteger,
        nullable=False,
        comment="1 where probability >= decision_threshold",
    ),
    Column("region_code", Integer, comment="region of residence, from the CSV"),
    Column("sales_channel", Integer, comment="channel that reaches them, from the CSV"),
    Index(
        "ix_policyholder_scores_run_id_lead_rank",
        "run_id",
        "lead_rank",
        postgresql_where=text("lead_rank IS NOT NULL"),
    ),
    postgresql_partition_by="LIST (run_id)",
    comment="everybody, every stored run: a table for each run behind one name",
)

published_run = Table(
    "published_run",
    metadata,
    Column(
        "pointer",
        SmallInteger,
        primary_key=True,
        autoincrement=False,
        comment="always 1: the table has one row",
    ),
    Column(
        "run_id",
        ForeignKey("scoring_runs.run_id"),
        nullable=False,
        comment="the run that readers see",
    ),
    Column(
        "previous_run_id",
        ForeignKey("scoring_runs.run_id"),
        comment="the stored night before it by date, for previous_scores",
    ),
    _time("published_at", "when the pointer was set"),
    CheckConstraint("pointer = 1", name="one_row"),
    comment="the pointer: which run readers see",
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("move_id", Integer, primary_key=True, comment="number of the move"),
    _time("moved_at", "when"),
    Column("moved_by", String(80), nullable=False, comment="nightly, or who rolled back"),
    Column(
        "from_run_id",
        ForeignKey("scoring_runs.run_id"),
        comment="the run readers saw before, if any",
    ),
    Column(
        "to_run_id",
        ForeignKey("scoring_runs.run_id"),
        nullable=False,
        comment="the run they see since",
    ),
    Column("reason", Text, nullable=False, comment="why"),
    comment="every move of the pointer: publishing and rolling back; append-only",
)

suppressions = Table(
    "suppressions",
    metadata,
    Column(
        "policyholder_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="whom never to contact",
    ),
    Column("valid_from", Date, primary_key=True, comment="first day (UTC)"),
    Column("valid_until", Date, comment="last day (UTC); empty: for ever"),
    Column("reason", Text, nullable=False, comment="why, for example: objected"),
    _time("recorded_at", "when it was recorded"),
    Column("recorded_by", String(80), nullable=False, comment="who recorded it"),
    comment="never contact: leads leaves them out at once",
)
