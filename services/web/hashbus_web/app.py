"""The application: every call of the API, one form for problems, the page, and the guards around it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from hashbus_web.guards import Guards
from hashbus_web.pages import STATIC, Pages
from hashbus_web.problems import answer_problems
from hashbus_web.routes import (
    alerts,
    auth,
    battery,
    calculator,
    control,
    curtailment,
    groups,
    heat,
    live,
    market,
    miner,
    miners,
    network,
    openid,
    past,
    site,
    users,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from hashbus_web.parts import Parts

ROUTERS = (
    auth.router,
    openid.router,
    users.router,
    miners.router,
    groups.router,
    miner.only,
    miner.named,
    battery.only,
    battery.named,
    battery.router,
    control.router,
    control.alias,
    network.router,
    site.router,
    past.router,
    alerts.router,
    curtailment.router,
    heat.router,
    market.router,
    calculator.router,
    live.router,
)
"""In this order: a path without an id is tried before the one with it."""

ZIPPED_FROM = 1_000
ZIP_LEVEL = 3
"""The quickest that is worth it: a list of a thousand miners in milliseconds, to a tenth of its size."""

ABOUT = """\
Everything that the page can do. A program sends `Authorization: Bearer TOKEN`: a bot's token (`hbt_...`, made on the
page under *Tokens*) or the access token of `POST /api/auth/login`.

Times are ISO 8601 in UTC. Units stand at the end of names. What is not known is null.
"""


def application(parts: Parts) -> ASGIApp:
    """Return the whole application over the parts of this service."""
    app = api(parts)
    zipped = GZipMiddleware(app, minimum_size=ZIPPED_FROM, compresslevel=ZIP_LEVEL)
    return Guards(zipped, parts.clock, largest_body=parts.settings.web.largest_body_kb * 1024)


def api(parts: Parts | None = None) -> FastAPI:
    """Return the calls alone; without parts they can be described but not made."""
    # The interactive pages of FastAPI load scripts from elsewhere, which a site without internet does not have.
    app = FastAPI(
        title="hashbus",
        description=ABOUT,
        version=parts.version if parts else "0",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.parts = parts
    answer_problems(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/", Pages(STATIC))
    return app
