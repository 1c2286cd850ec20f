"""Tables behind the readers' views: scores, the published run and suppressions."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from propensity.warehouse.schema.columns import make_time, metadata

policyholder_scores = Table(
    "policyholder_scores",
    metadata,
    Column("run_id", Integer, primary_key=True, comment="number of the run"),
    Column("policyholder_id", BigInteger, primary_key=True, comment="id as in the CSV"),
    Column(
        "fold",
        SmallInteger,
        nullable=False,
        comment="0 to 4, never changes; the member that scores it was not trained on it",
    ),
    Column("response_known", SmallInteger, nullable=False, comment="1: has responded, 0: not yet"),
    Column("response", SmallInteger, comment="1: said yes, 0: said no, empty: not known"),
    Column(
        "is_control",
        SmallInteger,
        nullable=False,
        comment="1: in the control group, which is never called so that uplift can be measured",
    ),
    Column(
        "lead_rank",
        BigInteger,
        comment="rank among the leads, 1 is the best; empty where the policyholder is not a lead",
    ),
    Column(
        "probability",
        Float,
        nullable=False,
        comment="calibrated probability of saying yes, 0 to 1; "
        "its sum over policyholders is the expected number of buyers",
    ),
    Column(
        "percentile",
        Float,
        nullable=False,
        comment="percentage of the book with the same or a lower probability; 100 is the best",
    ),
    Column(
        "decile",
        SmallInteger,
        nullable=False,
        comment="tenth of the book; 1 is the best (percentile above 90), 10 the worst",
    ),
    Column(
        "predicted_response",
        SmallInteger,
        nullable=False,
        comment="1 if probability >= decision_threshold, otherwise 0",
    ),
    Column("region_code", Integer, comment="region of residence, from the CSV"),
    Column("sales_channel", Integer, comment="sales channel of the policyholder, from the CSV"),
    Index(
        "ix_policyholder_scores_run_id_lead_rank",
        "run_id",
        "lead_rank",
        postgresql_where=text("lead_rank IS NOT NULL"),
    ),
    postgresql_partition_by="LIST (run_id)",
    comment="scores of all policyholders in every stored run; each run has a table of its own",
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
        comment="stored night with the latest earlier date, for previous_scores",
    ),
    make_time("published_at", "when the pointer was set"),
    CheckConstraint("pointer = 1", name="one_row"),
    comment="the pointer to the run that readers see",
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("move_id", Integer, primary_key=True, comment="number of the move"),
    make_time("moved_at", "when the pointer moved"),
    Column("moved_by", String(80), nullable=False, comment="nightly, or the user who rolled back"),
    Column(
        "from_run_id",
        ForeignKey("scoring_runs.run_id"),
        comment="run that readers saw before, if any",
    ),
    Column(
        "to_run_id",
        ForeignKey("scoring_runs.run_id"),
        nullable=False,
        comment="run that readers saw afterwards",
    ),
    Column("reason", Text, nullable=False, comment="why it moved"),
    comment="every move of the pointer, by publication or rollback; append-only",
)

suppressions = Table(
    "suppressions",
    metadata,
    Column(
        "policyholder_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="policyholder who must not be contacted",
    ),
    Column("valid_from", Date, primary_key=True, comment="first day (UTC)"),
    Column("valid_until", Date, comment="last day (UTC); empty: no end"),
    Column("reason", Text, nullable=False, comment="reason, for example: objected"),
    make_time("recorded_at", "when it was recorded"),
    Column("recorded_by", String(80), nullable=False, comment="who recorded it"),
    comment="policyholders who must not be contacted; leads omits them immediately",
)
