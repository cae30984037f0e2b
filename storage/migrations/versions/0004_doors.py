"""The table of the doors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "door_notes",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("updated", sa.String(length=32), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "door", "name", name=op.f("pk_door_notes")),
    )
    op.create_index(op.f("ix_door_notes_tenant_door_updated"), "door_notes", ["tenant", "door", "updated"])


def downgrade() -> None:
    op.drop_table("door_notes")
