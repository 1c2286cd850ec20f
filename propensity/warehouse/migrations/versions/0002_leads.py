"""Scores in a table a run; ranks, gains, suppressions, lineage; who moved the pointer."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"

RANK_INDEX = "ix_policyholder_scores_run_id_lead_rank"
NAMES = (
    "policyholder_id, fold, response_known, response, is_control, lead_rank, probability,"
    " percentile, decile, predicted_response, region_code, sales_channel"
)
STATUSES = "status IN ('running', 'published', 'failed', 'crashed', 'retired')"
OLD_STATUSES = "status IN ('running', 'published', 'failed', 'crashed')"
OLD_DECISIONS = "decision IN ('promoted', 'kept_champion', 'rejected')"
DECISIONS = "decision IN ('promoted', 'kept_champion', 'rejected', 'rolled_back')"
OLD_NAMES = (
    "policyholder_id, fold, response_known, probability, percentile, decile, predicted_response"
)

SCORES_OF = """
CREATE VIEW {name} AS
SELECT s.policyholder_id, s.probability, s.percentile, s.decile, s.predicted_response, s.lead_rank,
       s.is_control, s.response_known, s.response, s.region_code, s.sales_channel,
       r.model_version, r.f1_score, t.decision_threshold, r.as_of, r.finished_at AS scored_at,
       s.run_id
FROM policyholder_scores AS s
JOIN scoring_runs AS r ON r.run_id = s.run_id
JOIN run_thresholds AS t ON t.run_id = s.run_id AND t.fold = s.fold
WHERE s.run_id = (SELECT {pointer} FROM published_run)
"""

LEADS = """
CREATE VIEW leads AS
SELECT s.policyholder_id, s.lead_rank, s.probability, s.percentile, s.decile, s.predicted_response,
       s.model_version, s.f1_score, s.decision_threshold, s.as_of, s.scored_at, s.region_code,
       s.sales_channel, s.run_id
FROM current_scores AS s
WHERE s.lead_rank IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM suppressions AS x
    WHERE x.policyholder_id = s.policyholder_id AND x.valid_from <= {today}
      AND (x.valid_until IS NULL OR x.valid_until >= {today}))
"""

LEAD_GAINS = """
CREATE VIEW lead_gains AS
SELECT percent, n_policyholders, expected_buyers, expected_low, expected_high, lift, reached_share,
       actual_ratio, relative_error, run_id
FROM run_gains
WHERE run_id = (SELECT run_id FROM published_run)
"""

LINEAGE = """
CREATE VIEW lineage AS
SELECT r.run_id, r.run_name, r.as_of, r.input_files, r.input_digest, r.config_digest,
       r.code_version, r.flow_run_id, r.started_at, r.finished_at, r.status, r.n_policyholders,
       r.n_rejected, r.n_labelled, r.n_control, r.n_leads, r.prevalence, r.f1_score, r.f1_low,
       r.f1_high, r.precision, r.recall, r.average_precision, r.roc_auc, r.brier,
       r.calibration_error,
       (SELECT min(decision_threshold) FROM run_thresholds AS t WHERE t.run_id = r.run_id)
           AS threshold_low,
       (SELECT max(decision_threshold) FROM run_thresholds AS t WHERE t.run_id = r.run_id)
           AS threshold_high,
       r.model_version, m.artifact_uri, m.trained_at, m.input_digest AS model_input_digest,
       m.config_digest AS model_config_digest, m.contract_digest,
       m.code_version AS model_code_version, p.from_version AS champion_before,
       p.to_version AS candidate, p.decision, p.reason AS decision_reason, p.decided_at
FROM scoring_runs AS r
LEFT JOIN model_versions AS m ON m.model_version = r.model_version
LEFT JOIN promotions AS p ON p.run_id = r.run_id
"""

OLD_VIEWS = """
CREATE VIEW current_scores AS
SELECT s.policyholder_id, s.probability, s.percentile, s.decile, s.predicted_response,
       s.response_known, r.model_version, r.f1_score, t.decision_threshold, r.as_of,
       r.finished_at AS scored_at, s.run_id
FROM published_run AS p
JOIN scoring_runs AS r ON r.run_id = p.run_id
JOIN policyholder_scores AS s ON s.run_id = p.run_id
JOIN run_thresholds AS t ON t.run_id = s.run_id AND t.fold = s.fold
;
CREATE VIEW leads AS
SELECT policyholder_id, probability, percentile, decile, predicted_response,
       model_version, f1_score, decision_threshold, as_of, scored_at
FROM current_scores
WHERE response_known = 0
"""
VIEWS = ("lineage", "lead_gains", "leads", "previous_scores", "current_scores")


def upgrade() -> None:
    op.execute("DROP VIEW leads")
    op.execute("DROP VIEW current_scores")
    _change_tables()
    _split_scores()
    op.execute(SCORES_OF.format(name="current_scores", pointer="run_id"))
    op.execute(SCORES_OF.format(name="previous_scores", pointer="previous_run_id"))
    # the same day for everybody, whatever time zone a reader's session is in
    today = "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date" if _is_postgresql() else "CURRENT_DATE"
    op.execute(LEADS.format(today=today))
    op.execute(LEAD_GAINS)
    op.execute(LINEAGE)


def downgrade() -> None:
    """Back to one table; suppressions, gains and the pointer's history are lost."""
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
    _merge_scores()
    for table in ("suppressions", "pointer_moves", "run_gains"):
        op.drop_table(table)
    with op.batch_alter_table("published_run") as table:
        table.drop_constraint("fk_published_run_previous_run_id", type_="foreignkey")
        table.drop_column("previous_run_id")
        _allow(table, "ck_published_run_one_row", "pointer = 1")
    op.execute("DELETE FROM promotions WHERE run_id IS NULL OR decision = 'rolled_back'")
    with op.batch_alter_table("promotions") as table:
        table.drop_column("decided_by")
        table.drop_column("as_of")
        table.alter_column("run_id", existing_type=sa.Integer(), nullable=False)
        _allow(table, "ck_promotions_decision", OLD_DECISIONS)
    op.execute("UPDATE scoring_runs SET status = 'failed' WHERE status = 'retired'")
    with op.batch_alter_table("scoring_runs") as table:
        table.drop_column("n_control")
        table.drop_column("n_leads")
        _allow(table, "ck_scoring_runs_status", OLD_STATUSES)
    for view in OLD_VIEWS.split(";"):
        op.execute(view)


def _score_columns() -> list[sa.Column]:
    return [
        sa.Column("policyholder_id", sa.BigInteger(), nullable=False),
        sa.Column("fold", sa.SmallInteger(), nullable=False),
        sa.Column("response_known", sa.SmallInteger(), nullable=False),
        sa.Column("response", sa.SmallInteger()),
        sa.Column("is_control", sa.SmallInteger(), nullable=False),
        sa.Column("lead_rank", sa.BigInteger()),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("percentile", sa.Float(), nullable=False),
        sa.Column("decile", sa.SmallInteger(), nullable=False),
        sa.Column("predicted_response", sa.SmallInteger(), nullable=False),
        sa.Column("region_code", sa.Integer()),
        sa.Column("sales_channel", sa.Integer()),
    ]


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _allow(table: BatchOperations, name: str, condition: str) -> None:
    """Set a CHECK. SQLite has none to drop: Alembic makes the table anew, and leaves CHECKs out."""
    if _is_postgresql():
        table.drop_constraint(op.f(name), type_="check")
    table.create_check_constraint(op.f(name), condition)


def _change_tables() -> None:
    with op.batch_alter_table("scoring_runs") as table:
        table.add_column(sa.Column("n_control", sa.BigInteger()))
        table.add_column(sa.Column("n_leads", sa.BigInteger()))
        _allow(table, "ck_scoring_runs_status", STATUSES)
    with op.batch_alter_table("promotions") as table:
        table.add_column(
            sa.Column("decided_by", sa.String(80), server_default="gate", nullable=False)
        )
        table.add_column(sa.Column("as_of", sa.Date()))
        table.alter_column("run_id", existing_type=sa.Integer(), nullable=True)
    op.execute(
        "UPDATE promotions SET as_of = (SELECT as_of FROM scoring_runs AS r"
        " WHERE r.run_id = promotions.run_id)"
    )
    with op.batch_alter_table("promotions") as table:
        table.alter_column("as_of", existing_type=sa.Date(), nullable=False)
        _allow(table, "ck_promotions_decision", DECISIONS)
        table.alter_column("decided_by", existing_type=sa.String(80), server_default=None)
    with op.batch_alter_table("published_run") as table:
        table.add_column(sa.Column("previous_run_id", sa.Integer()))
        table.create_foreign_key(
            "fk_published_run_previous_run_id", "scoring_runs", ["previous_run_id"], ["run_id"]
        )
        _allow(table, "ck_published_run_one_row", "pointer = 1")
    _create_tables()


def _create_tables() -> None:
    op.create_table(
        "run_gains",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("n_policyholders", sa.BigInteger(), nullable=False),
        sa.Column("expected_buyers", sa.Float(), nullable=False),
        sa.Column("expected_low", sa.Float(), nullable=False),
        sa.Column("expected_high", sa.Float(), nullable=False),
        sa.Column("lift", sa.Float(), nullable=False),
        sa.Column("reached_share", sa.Float(), nullable=False),
        sa.Column("actual_ratio", sa.Float(), nullable=False),
        sa.Column("relative_error", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_run_gains_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "percent", name=op.f("pk_run_gains")),
    )
    op.create_table(
        "pointer_moves",
        sa.Column("move_id", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_by", sa.String(80), nullable=False),
        sa.Column("from_run_id", sa.Integer(), nullable=True),
        sa.Column("to_run_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_run_id"], ["scoring_runs.run_id"], name=op.f("fk_pointer_moves_from_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_run_id"], ["scoring_runs.run_id"], name=op.f("fk_pointer_moves_to_run_id")
        ),
        sa.PrimaryKeyConstraint("move_id", name=op.f("pk_pointer_moves")),
    )
    op.create_table(
        "suppressions",
        sa.Column("policyholder_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("policyholder_id", "valid_from", name=op.f("pk_suppressions")),
    )


def _split_scores() -> None:
    """One table of all runs -> a table a run behind one name, ranks computed once."""
    runs = op.get_bind().execute(sa.text("SELECT DISTINCT run_id FROM policyholder_scores"))
    run_ids = [row.run_id for row in runs]
    op.rename_table("policyholder_scores", "old_scores")
    if _is_postgresql():
        op.execute("ALTER INDEX pk_policyholder_scores RENAME TO pk_old_scores")
        _create_parent()
    for run_id in run_ids:
        _split_run(run_id)
    op.execute(
        "UPDATE scoring_runs SET n_control = 0, n_leads = n_policyholders - n_labelled"
        " WHERE status = 'published'"
    )
    if not _is_postgresql():
        arms = [
            f"SELECT {run_id} AS run_id, {NAMES} FROM policyholder_scores_r{run_id}"  # noqa: S608
            for run_id in run_ids
        ]
        nobody = ", ".join(f"NULL AS {name}" for name in NAMES.split(", "))
        arms = arms or [f"SELECT NULL AS run_id, {nobody} WHERE 1 = 0"]
        op.execute(f"CREATE VIEW policyholder_scores AS {' UNION ALL '.join(arms)}")
    op.drop_table("old_scores")


def _create_parent() -> None:
    op.create_table(
        "policyholder_scores",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        *_score_columns(),
        sa.PrimaryKeyConstraint("run_id", "policyholder_id", name=op.f("pk_policyholder_scores")),
        postgresql_partition_by="LIST (run_id)",
    )
    op.create_index(
        RANK_INDEX,
        "policyholder_scores",
        ["run_id", "lead_rank"],
        postgresql_where=sa.text("lead_rank IS NOT NULL"),
    )


def _split_run(run_id: int) -> None:
    name = f"policyholder_scores_r{run_id}"
    if _is_postgresql():
        op.execute(f"CREATE TABLE {name} PARTITION OF policyholder_scores FOR VALUES IN ({run_id})")
    else:
        op.create_table(name, *_score_columns())
        op.create_index(f"uq_{name}_policyholder_id", name, ["policyholder_id"], unique=True)
        op.create_index(
            f"ix_{name}_lead_rank",
            name,
            ["lead_rank"],
            sqlite_where=sa.text("lead_rank IS NOT NULL"),
        )
    target = ("run_id, " if _is_postgresql() else "") + NAMES
    source = ("run_id, " if _is_postgresql() else "") + (
        "policyholder_id, fold, response_known, NULL, 0, CASE WHEN response_known = 0 THEN"
        " row_number() OVER"
        " (PARTITION BY response_known ORDER BY probability DESC, policyholder_id) END,"
        " probability, percentile, decile, predicted_response, NULL, NULL"
    )
    op.execute(
        f"INSERT INTO {name} ({target}) SELECT {source} FROM old_scores WHERE run_id = {run_id}"  # noqa: S608
    )


def _merge_scores() -> None:
    run_ids = op.get_bind().execute(sa.text("SELECT run_id FROM scoring_runs")).scalars().all()
    tables = set(sa.inspect(op.get_bind()).get_table_names())
    mine = [r for r in run_ids if f"policyholder_scores_r{r}" in tables]
    op.create_table(
        "old_scores",
        sa.Column("run_id", sa.Integer(), nullable=False),
        *(c for c in _score_columns() if c.name in OLD_NAMES.split(", ")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_policyholder_scores_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "policyholder_id", name=op.f("pk_old_scores")),
        sqlite_with_rowid=False,
    )
    for run_id in mine:
        op.execute(
            f"INSERT INTO old_scores (run_id, {OLD_NAMES})"  # noqa: S608
            f" SELECT {run_id}, {OLD_NAMES} FROM policyholder_scores_r{run_id}"
        )
    if _is_postgresql():
        op.drop_table("policyholder_scores")
        op.execute("ALTER INDEX pk_old_scores RENAME TO pk_policyholder_scores")
    else:
        op.execute("DROP VIEW policyholder_scores")
        for run_id in mine:
            op.drop_table(f"policyholder_scores_r{run_id}")
    op.rename_table("old_scores", "policyholder_scores")
    op.create_index(
        "ix_policyholder_scores_run_id_response_known_probability",
        "policyholder_scores",
        ["run_id", "response_known", "probability"],
    )
