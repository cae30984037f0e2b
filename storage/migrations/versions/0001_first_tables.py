"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("llm", sa.Text(), nullable=False),
        sa.Column("best", sa.Integer(), nullable=True),
        sa.Column("timings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created", sa.String(length=64), nullable=False),
        sa.Column("inserted", sa.String(length=32), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_created_inserted"), "runs", ["created", "inserted"])
    op.create_index(op.f("ix_runs_status"), "runs", ["status"])
    op.create_table(
        "artifacts",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_artifacts_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "position", name=op.f("pk_artifacts")),
    )
    op.create_index(op.f("ix_artifacts_sha256"), "artifacts", ["sha256"])
    op.create_table(
        "briefs",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("size", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("captions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("palette", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("references", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_briefs_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_briefs")),
    )
    op.create_table(
        "errors",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_errors_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_errors")),
    )
    op.create_table(
        "events",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_events_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_events")),
    )
    op.create_table(
        "expansions",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("background", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("palette", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_expansions_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_expansions")),
    )
    op.create_table(
        "llm_calls",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("llm", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_llm_calls_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_llm_calls")),
    )
    op.create_table(
        "plans",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("background", sa.Text(), nullable=False),
        sa.Column("similar", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("bands", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("size", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("draw", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("cut", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_plans_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "plan", name=op.f("pk_plans")),
    )
    op.create_table(
        "regions",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("box", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("z", sa.Integer(), nullable=False),
        sa.Column("mask", sa.String(length=64), nullable=True),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "plan"], ["plans.run", "plans.plan"], name=op.f("fk_regions_run_plan_plans"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "plan", "position", name=op.f("pk_regions")),
    )
    op.create_table(
        "rounds",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "plan"], ["plans.run", "plans.plan"], name=op.f("fk_rounds_run_plan_plans"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_rounds_run_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_rounds")),
    )
    op.create_table(
        "subjects",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("noun", sa.String(length=200), nullable=False),
        sa.Column("attributes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("resembles", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "plan"], ["plans.run", "plans.plan"], name=op.f("fk_subjects_run_plan_plans"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "plan", "position", name=op.f("pk_subjects")),
    )
    op.create_index(op.f("ix_subjects_noun"), "subjects", ["noun"])
    op.create_table(
        "critiques",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("scores", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("disagreement", sa.Boolean(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], name=op.f("fk_critiques_run_round_rounds"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "round", name=op.f("pk_critiques")),
    )
    op.create_table(
        "cutouts",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("image", sa.String(length=64), nullable=False),
        sa.Column("mask", sa.String(length=64), nullable=False),
        sa.Column("box", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], name=op.f("fk_cutouts_run_round_rounds"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "round", "position", name=op.f("pk_cutouts")),
    )
    op.create_index(op.f("ix_cutouts_image"), "cutouts", ["image"])
    op.create_table(
        "findings",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("severity", sa.Double(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], name=op.f("fk_findings_run_round_rounds"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "round", "position", name=op.f("pk_findings")),
    )
    op.create_table(
        "renders",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("image", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("stopped_early", sa.Boolean(), nullable=False),
        sa.Column("attended", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], name=op.f("fk_renders_run_round_rounds"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "round", name=op.f("pk_renders")),
    )
    op.create_index(op.f("ix_renders_image"), "renders", ["image"])
    op.create_table(
        "repairs",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], name=op.f("fk_repairs_run_round_rounds"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "round", "applied", "position", name=op.f("pk_repairs")),
    )
    op.create_table(
        "receipts",
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("planned", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("attended", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("alpha", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("iou", sa.Double(), nullable=False),
        sa.Column("contained", sa.Double(), nullable=False),
        sa.Column("fill", sa.Double(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("fragments", sa.Integer(), nullable=False),
        sa.Column("border", sa.Double(), nullable=False),
        sa.Column("softness", sa.Double(), nullable=False),
        sa.Column("overlap", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run", "round", "position"],
            ["cutouts.run", "cutouts.round", "cutouts.position"],
            name=op.f("fk_receipts_run_round_position_cutouts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "round", "position", name=op.f("pk_receipts")),
    )


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_table("repairs")
    op.drop_table("renders")
    op.drop_table("findings")
    op.drop_table("cutouts")
    op.drop_table("critiques")
    op.drop_table("subjects")
    op.drop_table("rounds")
    op.drop_table("regions")
    op.drop_table("plans")
    op.drop_table("llm_calls")
    op.drop_table("expansions")
    op.drop_table("events")
    op.drop_table("errors")
    op.drop_table("briefs")
    op.drop_table("artifacts")
    op.drop_table("runs")
