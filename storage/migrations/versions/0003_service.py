"""Tables of the service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("session", sa.String(length=200), nullable=True),
        sa.Column("turn", sa.String(length=200), nullable=True),
        sa.Column("design", sa.String(length=200), nullable=True),
        sa.Column("request", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("asked", sa.String(length=64), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("started", sa.String(length=32), nullable=True),
        sa.Column("finished", sa.String(length=32), nullable=True),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_number"), "jobs", ["number"], unique=True)
    op.create_index(op.f("ix_jobs_tenant_key"), "jobs", ["tenant", "key"], unique=True)
    op.create_index(op.f("ix_jobs_tenant_number"), "jobs", ["tenant", "number"])
    op.create_index(op.f("ix_jobs_status_number"), "jobs", ["status", "number"])
    op.create_index(op.f("ix_jobs_session_number"), "jobs", ["session", "number"])
    op.create_table(
        "job_events",
        sa.Column("job", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_job_events_job_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "number", name=op.f("pk_job_events")),
    )
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(length=420), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lanes")),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_sha256"), "tokens", ["sha256"], unique=True)
    op.create_table(
        "owners",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_owners")),
    )
    op.create_index(op.f("ix_owners_tenant"), "owners", ["tenant"])
    op.create_table(
        "files",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "sha256", name=op.f("pk_files")),
    )
    op.create_index(op.f("ix_files_kind_sha256"), "files", ["kind", "sha256"])


def downgrade() -> None:
    for table in ("files", "owners", "tokens", "lanes", "job_events", "jobs"):
        op.drop_table(table)
