"""Answers questions about the past over HTTP: GET /history, /totals, /devices and /export.csv."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hashbus_recorder import csv_export, metrics
from hashbus_recorder.fields import adds_up, symbol_of
from hashbus_recorder.questions import MOST_POINTS, Asked, parse
from hashbus_recorder.repository import BadQuestion, StoreUnavailable

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp.typedefs import Handler

    from hashbus.clock import Clock
    from hashbus_recorder.repository import Question, Series, TimeSeriesRepository


class NoSuchDevice(LookupError):
    """Nothing is kept of a device; the text names the one that was probably meant."""


class HistoryApi:
    """The questions and what the store answers. A request whose asker has gone is cancelled."""

    def __init__(
        self, store: TimeSeriesRepository, clock: Clock, *, at_once: int, finest_s: int, totals_s: int
    ) -> None:
        """`at_once` questions are answered at the same time, more are told to come back.

        `finest_s` and `totals_s` are the finest steps that charts of a device and of the site take by themselves.
        """
        self._store = store
        self._clock = clock
        self._free = at_once
        self._finest_s = finest_s
        self._totals_s = totals_s

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/history", self._history)
        app.router.add_get("/totals", self._totals)
        app.router.add_get("/devices", self._devices)
        app.router.add_get("/export.csv", self._export)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Limit how many are answered at once, and say what is wrong with a question."""
        response = await self._answered(request, handler)
        path = request.path if request.match_info.http_exception is None else "other"
        metrics.QUESTIONS.labels(path, str(response.status)).inc()
        return response

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._free <= 0:
            return _problem(503, "too many questions at once; ask again in a second", {"Retry-After": "1"})
        self._free -= 1
        try:
            return await handler(request)
        except BadQuestion as error:
            return web.json_response({"error": str(error), "parameter": error.parameter}, status=400)
        except NoSuchDevice as error:
            return web.json_response({"error": str(error), "parameter": "device"}, status=404)
        except StoreUnavailable as error:
            return _problem(503, f"the store does not answer: {error}", {"Retry-After": "10"})
        except web.HTTPException as error:
            return _problem(error.status, "nothing here; known: /history, /totals, /devices, /export.csv")
        finally:
            self._free += 1

    async def _history(self, request: web.Request) -> web.Response:
        asked = self._asked(request, self._finest_s)
        question = await self._of_device(asked.question)
        if asked.is_raw:
            return web.json_response(await self._raw(question))
        found = await self._store.history(question)
        fields = {
            name: {"unit": symbol_of(name), "mean": one.mean, "min": one.min, "max": one.max, "last": one.last}
            for name, one in found.columns.items()
        }
        return web.json_response({**_head(question, found.step_s), "at": _texts(found.at), "fields": fields})

    async def _raw(self, question: Question) -> dict[str, Any]:
        at: list[datetime] = []
        values: dict[str, list[Any]] = {}
        async for part in self._store.samples(question):
            for name in part.columns.keys() - values.keys():
                values[name] = [None] * len(at)
            at += part.at
            for name, column in values.items():
                column.extend(part.columns.get(name, [None] * len(part.at)))
            if len(at) > MOST_POINTS:
                raise BadQuestion(
                    "step", f"raw gives more than {MOST_POINTS} points here; ask for less, or /export.csv"
                )
        fields = {name: {"unit": symbol_of(name), "values": values[name]} for name in sorted(values)}
        return {**_head(question, 0), "at": _texts(at), "fields": fields}

    async def _totals(self, request: web.Request) -> web.Response:
        asked = self._asked(request, self._totals_s)
        if asked.is_raw or asked.question.device is not None:
            wrong = "step" if asked.is_raw else "device"
            raise BadQuestion(wrong, "makes no sense for a total: it is over all devices, in steps")
        for name in asked.question.fields:
            if not adds_up(name):
                raise BadQuestion(
                    "fields", f"{name!r} does not add up over devices; powers, energies, hashrates, flows do"
                )
        found = await self._store.totals(asked.question)
        fields = {
            name: {"unit": symbol_of(name), "sum": one.sum, "devices": one.devices}
            for name, one in found.columns.items()
        }
        head = _head(asked.question, found.step_s) | {"devices_known": found.devices_known}
        return web.json_response({**head, "at": _texts(found.at), "fields": fields})

    async def _devices(self, _request: web.Request) -> web.Response:
        now = self._clock.now()
        return web.json_response([_described(one, now) for one in await self._store.series()])

    async def _export(self, request: web.Request) -> web.StreamResponse:
        asked = self._asked(request, self._finest_s, default_step="raw")
        question = await self._of_device(asked.question)
        names = question.fields or await self._fields_of(question)
        question = replace(question, fields=names)
        parts = self._store.samples(question) if asked.is_raw else csv_export.means(self._store, question)
        name = f"{question.device}-{question.measurement}.csv".replace("/", "-")
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
        response.content_type = "text/csv"
        response.charset = "utf-8"
        # The first part is read before anything is sent, so that a store that is away is still an honest 503.
        rows = csv_export.rows(parts, names)
        first = await anext(rows)
        await response.prepare(request)
        await response.write(first)
        async for more in rows:
            await response.write(more)
        await response.write_eof()
        return response

    def _asked(self, request: web.Request, finest_s: int, default_step: str = "auto") -> Asked:
        return parse(request.query, self._clock.now(), finest_s=finest_s, default_step=default_step)

    async def _of_device(self, question: Question) -> Question:
        """Check that something is kept of the device."""
        if question.device is None:
            raise BadQuestion("device", "is missing: say of which one, as /devices lists them")
        if await self._store.latest(question.measurement, question.device) is not None:
            return question
        known = [one for one in await self._store.series() if one.measurement == question.measurement]
        close = difflib.get_close_matches(question.device, [one.device for one in known], n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; {len(known)} devices have it, see /devices"
        raise NoSuchDevice(f"nothing is kept of {question.measurement} {question.device!r}{hint}")

    async def _fields_of(self, question: Question) -> tuple[str, ...]:
        wanted = (question.measurement, question.device)
        return next((one.fields for one in await self._store.series() if (one.measurement, one.device) == wanted), ())


async def serve(api: HistoryApi, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Answer on that address; returns the runner to clean up and the port. OSError when it is taken."""
    runner = web.AppRunner(api.app(), access_log=None, handler_cancellation=True, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


def _head(question: Question, step_s: int) -> dict[str, Any]:
    return {
        "measurement": question.measurement,
        "device": question.device,
        "start": question.start.isoformat(),
        "stop": question.stop.isoformat(),
        "step_s": step_s,
    }


def _described(one: Series, now: datetime) -> dict[str, Any]:
    return {
        "measurement": one.measurement,
        "device": one.device,
        "last_at": one.last_at.isoformat() if one.last_at else None,
        "age_s": max(0.0, (now - one.last_at).total_seconds()) if one.last_at else None,
        "fields": {name: symbol_of(name) for name in one.fields},
    }


def _texts(moments: list[datetime]) -> list[str]:
    return [moment.isoformat() for moment in moments]


def _problem(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)
