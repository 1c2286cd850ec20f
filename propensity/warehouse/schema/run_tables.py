"""Tables of runs: input, outcome, decision thresholds and expected gains."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
)

from propensity.warehouse.schema.columns import make_quality, make_time, metadata

scoring_runs = Table(
    "scoring_runs",
    metadata,
    Column("run_id", Integer, primary_key=True, comment="number of the run"),
    Column(
        "run_name",
        String(80),
        nullable=False,
        unique=True,
        comment="date and digest; names folders and model versions; repeats end in -2, -3 ...",
    ),
    Column("as_of", Date, nullable=False, comment="date that the night stands for"),
    Column("input_digest", String(64), nullable=False, comment="SHA-256 of the CSV contents"),
    Column(
        "config_digest", String(64), nullable=False, comment="SHA-256 of contract, settings, code"
    ),
    Column("input_files", Text, nullable=False, comment="names of the CSV files, as a JSON list"),
    Column("code_version", String(40), nullable=False, comment="version of propensity used"),
    Column("flow_run_id", String(40), comment="id of the Prefect flow run"),
    make_time("started_at", "when the run began"),
    make_time("finished_at", "when it was published, failed or was found crashed", nullable=True),
    Column(
        "status",
        String(20),
        nullable=False,
        comment="running, published, failed, crashed, or retired (published, scores dropped later)",
    ),
    Column("reason", Text, comment="why it failed or crashed"),
    Column(
        "model_version",
        ForeignKey("model_versions.model_version"),
        comment="model version that computed the scores",
    ),
    Column("n_policyholders", BigInteger, comment="policyholders scored"),
    Column("n_rejected", BigInteger, comment="rows that broke the contract"),
    Column("n_labelled", BigInteger, comment="policyholders whose response is known"),
    Column("n_control", BigInteger, comment="policyholders in the control group"),
    Column("n_leads", BigInteger, comment="policyholders with a lead_rank"),
    *make_quality("scoring_runs", nullable=True),
    CheckConstraint(
        "status IN ('running', 'published', 'failed', 'crashed', 'retired')", name="status"
    ),
    comment="one row per run: what it read and what became of it",
)

run_thresholds = Table(
    "run_thresholds",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True, comment="the run"),
    Column("fold", SmallInteger, primary_key=True, comment="fold to which it applies"),
    Column("decision_threshold", Float, nullable=False, comment="chosen for F1 on the other folds"),
    comment="the decision threshold of each fold of a run",
)

run_gains = Table(
    "run_gains",
    metadata,
    Column("run_id", ForeignKey("scoring_runs.run_id"), primary_key=True, comment="the run"),
    Column("percent", SmallInteger, primary_key=True, comment="percentage of the leads called"),
    Column("n_policyholders", BigInteger, nullable=False, comment="number of them at publication"),
    Column(
        "expected_buyers", Float, nullable=False, comment="sum of their calibrated probabilities"
    ),
    Column("expected_low", Float, nullable=False, comment="lower end of the 95 % interval"),
    Column("expected_high", Float, nullable=False, comment="upper end of the 95 % interval"),
    Column("lift", Float, nullable=False, comment="expected response rate over that of all leads"),
    Column("reached_share", Float, nullable=False, comment="share of all leads' expected buyers"),
    Column(
        "actual_ratio",
        Float,
        nullable=False,
        comment="actual over expected buyers among known responses with such probabilities",
    ),
    Column("relative_error", Float, nullable=False, comment="standard error of that ratio"),
    comment="expected result of calling the best 1 to 100 per cent of the leads of a run",
)
