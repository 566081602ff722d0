"""Telegram's Bot API as its documentation describes it, on loopback: long polling, messages, buttons, and its moods."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "123456:a-secret-token"
CHAT, OWNER, GUEST = -1001, 42, 43


async def until(holds: Callable[[], Any], timeout_s: float = 30) -> None:
    """Wait until something is as it should be."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


@dataclass
class Telegram:
    """What was sent, and what people write; `mood` is the answer to whoever wants to send."""

    url: str = ""
    mood: str = "well"
    sent: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    _updates: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _number: int = 0

    def texts(self) -> list[str]:
        """Every text that arrived."""
        return [one["text"] for one in self.sent]

    async def until(self, holds: Any, timeout_s: float = 30) -> None:
        """Wait until what arrived is as it should be."""
        await until(lambda: holds(self), timeout_s)

    def writes(self, text: str, user: int = OWNER, chat: int = CHAT) -> None:
        """Somebody writes into a chat."""
        entities = (
            [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}] if text[0] == "/" else []
        )
        message = {**self._message(chat, user), "text": text, "entities": entities}
        self._put({"message": message})

    def presses(self, data: str, user: int = OWNER, chat: int = CHAT) -> None:
        """Somebody presses a button under a message of the bot."""
        query = {"id": "q1", "from": _user(user), "chat_instance": "c", "data": data}
        self._put({"callback_query": {**query, "message": {**self._message(chat, 1), "text": "?"}}})

    def _put(self, update: dict[str, Any]) -> None:
        self._number += 1
        self._updates.put_nowait({"update_id": self._number, **update})

    def _message(self, chat: int, user: int) -> dict[str, Any]:
        self._number += 1
        where = {"id": chat, "type": "group" if chat < 0 else "private", "title": "the house"}
        return {"message_id": self._number, "date": 1_780_000_000, "chat": where, "from": _user(user)}

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one call."""
        token, method = request.match_info["token"], request.match_info["method"]
        self.calls.append(method)
        body = dict(await request.post()) if request.can_read_body else {}
        if token != TOKEN:
            return _no(401, "Unauthorized")
        if method == "getMe":
            return _ok({"id": 1, "is_bot": True, "first_name": "hashbus", "username": "our_bot"})
        if method == "getUpdates":
            return await self._poll(int(str(body.get("offset", 0) or 0)))
        if method == "sendMessage":
            return await self._send(body)
        if method == "editMessageText":
            self.edits.append(str(body["text"]))
            return _ok({**self._message(CHAT, 1), "text": body["text"]})
        return _ok(True)

    async def _poll(self, _offset: int) -> web.Response:
        try:
            async with asyncio.timeout(2):
                return _ok([await self._updates.get()])
        except TimeoutError:
            return _ok([])

    async def _send(self, body: dict[str, Any]) -> web.Response:
        if self.mood == "busy":
            return _no(429, "Too Many Requests: retry after 1", {"retry_after": 1})
        if self.mood == "ill":
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        if self.mood == "blocked":
            return _no(403, "Forbidden: bot was kicked from the group chat")
        chat = int(str(body["chat_id"]))
        keyboard = json.loads(str(body.get("reply_markup", "{}"))).get("inline_keyboard", [])
        self.sent.append({**body, "chat_id": chat, "text": str(body["text"]), "keyboard": keyboard})
        return _ok({**self._message(chat, 1), "text": body["text"]})


def _user(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "is_bot": number == 1,
        "first_name": "Ann" if number == OWNER else "Guest",
        "username": f"u{number}",
    }


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _no(status: int, text: str, parameters: dict[str, Any] | None = None) -> web.Response:
    body = {
        "ok": False,
        "error_code": status,
        "description": text,
        **({"parameters": parameters} if parameters else {}),
    }
    return web.json_response(body, status=status)


@asynccontextmanager
async def telegram(port: int = 0) -> AsyncIterator[Telegram]:
    """A server of its own."""
    server = Telegram()
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
