"""The ways in for other software: OpenAI's API, LangGraph's threads and runs, MCP."""

from __future__ import annotations

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """All of them; what each one says of itself is in its module."""
    from cutwork.api import openai_chat, openai_edits, openai_images, openai_models, protocol
    from cutwork.api.mcp_server import router as mcp

    return [openai_images.router, openai_edits.router, openai_chat.router, openai_models.router, protocol.router, mcp()]
