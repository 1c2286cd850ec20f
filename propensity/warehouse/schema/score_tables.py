"""Tables that readers see through the views: scores, which run of them, and whom to leave out."""

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
    make_time("published_at", "when the pointer was set"),
    CheckConstraint("pointer = 1", name="one_row"),
    comment="the pointer: which run readers see",
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("move_id", Integer, primary_key=True, comment="number of the move"),
    make_time("moved_at", "when"),
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
    make_time("recorded_at", "when it was recorded"),
    Column("recorded_by", String(80), nullable=False, comment="who recorded it"),
    comment="never contact: leads leaves them out at once",
)
