"""Coming in by a login elsewhere: OpenID Connect, GitHub, Home Assistant."""

from __future__ import annotations

from fastapi import APIRouter

from hashbus_web.routes.dependencies import PROBLEMS

router = APIRouter(prefix="/api/auth/openid", tags=["auth"], responses=PROBLEMS)
