"""The digest that the files of a model version are checked by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("model_versions", sa.Column("files_digest", sa.String(64)))


def downgrade() -> None:
    """Versions are no longer checked; after another upgrade those of before stay unchecked."""
    op.drop_column("model_versions", "files_digest")
