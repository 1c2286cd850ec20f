"""Tables and views of the nightly job."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

CURRENT_SCORES = """
CREATE VIEW current_scores AS
SELECT s.policyholder_id, s.probability, s.percentile, s.decile, s.predicted_response,
       s.response_known, r.model_version, r.f1_score, t.decision_threshold, r.as_of,
       r.finished_at AS scored_at, s.run_id
FROM published_run AS p
JOIN scoring_runs AS r ON r.run_id = p.run_id
JOIN policyholder_scores AS s ON s.run_id = p.run_id
JOIN run_thresholds AS t ON t.run_id = s.run_id AND t.fold = s.fold
"""

LEADS = """
CREATE VIEW leads AS
SELECT policyholder_id, probability, percentile, decile, predicted_response,
       model_version, f1_score, decision_threshold, as_of, scored_at
FROM current_scores
WHERE response_known = 0
"""


def upgrade() -> None:
    op.create_table(
        "model_versions",
        sa.Column("model_version", sa.String(length=80), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("artifact_uri", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("config_digest", sa.String(length=64), nullable=False),
        sa.Column("contract_digest", sa.String(length=64), nullable=False),
        sa.Column("code_version", sa.String(length=40), nullable=False),
        sa.Column("n_labelled", sa.BigInteger(), nullable=False),
        sa.Column("prevalence", sa.Float(), nullable=False),
        sa.Column("f1_score", sa.Float(), nullable=False),
        sa.Column("f1_low", sa.Float(), nullable=False),
        sa.Column("f1_high", sa.Float(), nullable=False),
        sa.Column("average_precision", sa.Float(), nullable=False),
        sa.Column("roc_auc", sa.Float(), nullable=False),
        sa.Column("brier", sa.Float(), nullable=False),
        sa.Column("calibration_error", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("model_version", name=op.f("pk_model_versions")),
    )
    op.create_table(
        "scoring_runs",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("run_name", sa.String(length=80), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("config_digest", sa.String(length=64), nullable=False),
        sa.Column("input_files", sa.Text(), nullable=False),
        sa.Column("code_version", sa.String(length=40), nullable=False),
        sa.Column("flow_run_id", sa.String(length=40), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("model_version", sa.String(length=80), nullable=True),
        sa.Column("n_policyholders", sa.BigInteger(), nullable=True),
        sa.Column("n_rejected", sa.BigInteger(), nullable=True),
        sa.Column("n_labelled", sa.BigInteger(), nullable=True),
        sa.Column("prevalence", sa.Float(), nullable=True),
        sa.Column("f1_score", sa.Float(), nullable=True),
        sa.Column("f1_low", sa.Float(), nullable=True),
        sa.Column("f1_high", sa.Float(), nullable=True),
        sa.Column("precision", sa.Float(), nullable=True),
        sa.Column("recall", sa.Float(), nullable=True),
        sa.Column("average_precision", sa.Float(), nullable=True),
        sa.Column("roc_auc", sa.Float(), nullable=True),
        sa.Column("brier", sa.Float(), nullable=True),
        sa.Column("calibration_error", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'published', 'failed', 'crashed')",
            name=op.f("ck_scoring_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["model_versions.model_version"],
            name=op.f("fk_scoring_runs_model_version"),
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_scoring_runs")),
        sa.UniqueConstraint("run_name", name=op.f("uq_scoring_runs_run_name")),
    )
    op.create_table(
        "policyholder_scores",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("policyholder_id", sa.BigInteger(), nullable=False),
        sa.Column("fold", sa.SmallInteger(), nullable=False),
        sa.Column("response_known", sa.SmallInteger(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("percentile", sa.Float(), nullable=False),
        sa.Column("decile", sa.SmallInteger(), nullable=False),
        sa.Column("predicted_response", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_policyholder_scores_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "policyholder_id", name=op.f("pk_policyholder_scores")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_policyholder_scores_run_id_response_known_probability",
        "policyholder_scores",
        ["run_id", "response_known", "probability"],
    )
    op.create_table(
        "promotions",
        sa.Column("promotion_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("from_version", sa.String(length=80), nullable=True),
        sa.Column("to_version", sa.String(length=80), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('promoted', 'kept_champion', 'rejected')",
            name=op.f("ck_promotions_decision"),
        ),
        sa.ForeignKeyConstraint(
            ["from_version"],
            ["model_versions.model_version"],
            name=op.f("fk_promotions_from_version"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_promotions_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_version"], ["model_versions.model_version"], name=op.f("fk_promotions_to_version")
        ),
        sa.PrimaryKeyConstraint("promotion_id", name=op.f("pk_promotions")),
    )
    op.create_table(
        "published_run",
        sa.Column("pointer", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("pointer = 1", name=op.f("ck_published_run_one_row")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_published_run_run_id")
        ),
        sa.PrimaryKeyConstraint("pointer", name=op.f("pk_published_run")),
    )
    op.create_table(
        "run_thresholds",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("fold", sa.SmallInteger(), nullable=False),
        sa.Column("decision_threshold", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["scoring_runs.run_id"], name=op.f("fk_run_thresholds_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "fold", name=op.f("pk_run_thresholds")),
    )
    op.execute(CURRENT_SCORES)
    op.execute(LEADS)


def downgrade() -> None:
    op.execute("DROP VIEW leads")
    op.execute("DROP VIEW current_scores")
    op.drop_table("run_thresholds")
    op.drop_table("published_run")
    op.drop_table("promotions")
    op.drop_table("policyholder_scores")
    op.drop_table("scoring_runs")
    op.drop_table("model_versions")
