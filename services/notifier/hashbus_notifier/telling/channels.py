"""The ways to people: Apprise for what it knows, Telegram by its own library."""

from __future__ import annotations

import asyncio

import apprise
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from hashbus.messages import Severity
from hashbus_notifier.channel_settings import AppriseSettings, TelegramSettings
from hashbus_notifier.telling.channel import LONG_RETRY_S, NotTold

PATIENCE_S = 20.0

_TYPES = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """E-mail, Matrix, Slack, SMS gateways, webhooks: whatever the URL names."""

    def __init__(self, settings: AppriseSettings, title: str) -> None:
        """ValueError when Apprise does not know the URL; it is not repeated, because it holds a password."""
        self._title = title
        self._apprise = apprise.Apprise()
        if not self._apprise.add(settings.url_secret.get_secret_value()):
            raise ValueError("url_secret is no URL that Apprise knows; see the list of its services")

    async def tell(self, text: str, severity: Severity) -> None:
        """Tell one message; see `Channel`."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                is_told = await self._apprise.async_notify(body=text, title=self._title, notify_type=_TYPES[severity])
        except TimeoutError:
            raise NotTold(f"no answer within {PATIENCE_S:g} s") from None
        except (OSError, TypeError) as error:
            raise NotTold(type(error).__name__) from None
        if not is_told:
            raise NotTold("the service did not take it")

    async def close(self) -> None:
        """Hold nothing open."""


class TelegramChannel:
    """A bot that writes into chats."""

    def __init__(self, settings: TelegramSettings) -> None:
        """Open nothing yet."""
        self._chats = settings.chats
        request = HTTPXRequest(connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S)
        self._bot = Bot(settings.token.get_secret_value(), base_url=f"{settings.api_url}/bot", request=request)
        # Of several chats one may fail: those that have it are not told again.
        self._told: dict[str, set[int]] = {}

    async def tell(self, text: str, severity: Severity) -> None:
        """Tell one message in every chat; see `Channel`. What is only information makes no sound."""
        told = self._told.setdefault(text, set())
        for chat in self._chats:
            if chat in told:
                continue
            try:
                await self._bot.send_message(chat, text, disable_notification=severity is Severity.INFO)
            except RetryAfter as error:
                wait = error.retry_after
                wait_s = wait if isinstance(wait, int) else wait.total_seconds()
                raise NotTold(f"Telegram asks to wait {wait_s:g} s", float(wait_s)) from None
            except (InvalidToken, Forbidden, BadRequest) as error:
                raise NotTold(f"Telegram refuses chat {chat}: {error.message}", LONG_RETRY_S) from None
            except TelegramError as error:
                raise NotTold(f"Telegram: {type(error).__name__}") from None
            told.add(chat)
        del self._told[text]

    async def close(self) -> None:
        """Hang up."""
        await self._bot.shutdown()
