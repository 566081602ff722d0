"""The shell of the bot: Telegram's updates in, answers and requests out. Strangers get no answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import TelegramError
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from hashbus import logs
from hashbus.messages import AlertAck, Command, Message
from hashbus_notifier.bot import words
from hashbus_notifier.bot.words import NotUnderstood, Site

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_notifier.channel_settings import TelegramSettings
    from hashbus_notifier.settings import NotifierSettings

APPROVAL = timedelta(minutes=1)
"""A question about something risky that nobody answers for so long is forgotten."""

RETRY_S = 15.0

log = logs.get("bot")

Answer = Callable[[list[str], str], str]
Context = ContextTypes.DEFAULT_TYPE


class Bot:
    """Answers in the chats of one channel."""

    def __init__(self, running: Running[NotifierSettings], settings: TelegramSettings, name: str) -> None:
        """Know nothing yet; `name` is that of the channel."""
        self._running = running
        self._settings = settings
        self._name = name
        self._site = Site.empty(running.settings.site)
        self._asked: dict[str, tuple[Command, str, datetime]] = {}

    async def listen(self) -> None:
        """Know the site, for ever."""
        async with self._running.bus.subscribe(*words.HEARS) as heard:
            async for message in heard:
                self._site.hear(message)

    async def run(self) -> None:
        """Answer for ever; while Telegram is away, try again and again."""
        while True:
            try:
                await self._serve()
            except TelegramError as error:
                problem = f"the bot of channel {self._name}: Telegram: {type(error).__name__}"
                if self._running.health.report(f"bot-{self._name}", problem):
                    log.warning("the bot cannot answer", channel=self._name, problem=type(error).__name__)
            await self._running.clock.sleep(RETRY_S)

    async def _serve(self) -> None:
        builder = Application.builder().token(self._settings.token.get_secret_value())
        app = builder.base_url(f"{self._settings.api_url}/bot").build()
        asks: dict[str, Answer] = {
            "start": lambda _words, _who: words.HELP,
            "help": lambda _words, _who: words.HELP,
            "status": lambda _words, _who: words.status(self._site, self._now()),
            "miners": lambda _words, _who: words.miners(self._site, self._now()),
            "why": lambda said, _who: words.why(self._site, said),
        }
        changes: dict[str, Answer] = {"set": self._set, "release": self._release, "profile": self._profile}
        for command, answer in asks.items():
            app.add_handler(CommandHandler(command, self._answering(answer, is_change=False)))
        for command, answer in changes.items():
            app.add_handler(CommandHandler(command, self._answering(answer, is_change=True)))
        app.add_handler(CommandHandler("alerts", self._alerts))
        for risky in (Command.REBOOT, Command.RESTART):
            app.add_handler(CommandHandler(risky.value, self._asking(risky)))
        app.add_handler(CallbackQueryHandler(self._pressed))
        app.add_error_handler(self._failed)
        async with app:
            await app.start()
            assert app.updater is not None  # noqa: S101 - an application built this way has one
            try:
                await app.updater.start_polling(drop_pending_updates=False, bootstrap_retries=0)
                self._running.health.report(f"bot-{self._name}", None)
                await asyncio.get_running_loop().create_future()
            finally:
                if app.updater.running:
                    await app.updater.stop()
                await app.stop()

    def _answering(self, answer: Answer, *, is_change: bool) -> Callable[[Update, Context], Coroutine[Any, Any, None]]:
        async def handle(update: Update, _context: Context) -> None:
            who = self._known(update, is_change=is_change)
            if who is None or update.effective_message is None:
                return
            try:
                text = answer(words.without_name(update.effective_message.text or ""), who)
            except NotUnderstood as problem:
                text = str(problem)
            await update.effective_message.reply_text(text)

        return handle

    def _known(self, update: Update, *, is_change: bool) -> str | None:
        """Return the name of somebody who may ask or change; None of a stranger, who learns nothing."""
        chat, user = update.effective_chat, update.effective_user
        if chat is None or user is None or chat.id not in self._settings.chats:
            log.warning("a stranger wrote to the bot", chat=chat.id if chat else None)
            return None
        if is_change and user.id not in self._settings.may_change:
            return None
        return user.username or user.full_name or str(user.id)

    def _say(self, message: Message) -> None:
        self._running.bus.publish(message)

    def _now(self) -> datetime:
        return self._running.clock.now()

    def _set(self, said: list[str], who: str) -> str:
        request = words.set_power(self._site, said, who, self._now())
        self._say(request)
        wanted = f"{request.scope}: {request.cap_w:g} W until {request.until:%H:%M} UTC is asked"
        return f"{wanted}; /why {request.scope} tells what became of it"

    def _release(self, said: list[str], who: str) -> str:
        request = words.release(self._site, said, who, self._now())
        self._say(request)
        return f"{request.scope} goes back to automatic"

    def _profile(self, said: list[str], _who: str) -> str:
        request = words.profile(self._site, said, self._now())
        self._say(request)
        return f"the house lives in {request.profile.value} now"

    async def _alerts(self, update: Update, _context: Context) -> None:
        if self._known(update, is_change=False) is None or update.effective_message is None:
            return
        if not self._site.alerts:
            await update.effective_message.reply_text("nothing is wrong")
        for alert in list(self._site.alerts.values())[:10]:
            text = f"{alert.severity.value}: {alert.title}\n{alert.text}".strip()
            button = InlineKeyboardButton("Seen", callback_data=f"seen {alert.key}"[:64])
            await update.effective_message.reply_text(text, reply_markup=InlineKeyboardMarkup([[button]]))

    def _asking(self, command: Command) -> Callable[[Update, Context], Coroutine[Any, Any, None]]:
        """Ask back before something that stops mining for minutes."""

        async def handle(update: Update, _context: Context) -> None:
            if self._known(update, is_change=True) is None or update.effective_message is None:
                return
            try:
                miner = words.known_miner(self._site, words.without_name(update.effective_message.text or ""))
            except NotUnderstood as problem:
                await update.effective_message.reply_text(str(problem))
                return
            number = secrets.token_hex(4)
            self._asked[number] = (command, miner, self._now() + APPROVAL)
            button = InlineKeyboardButton(f"Yes, {command.value} {miner}", callback_data=f"do {number}")
            question = f"{command.value} {miner}? Mining stops for some minutes."
            await update.effective_message.reply_text(question, reply_markup=InlineKeyboardMarkup([[button]]))

        return handle

    async def _pressed(self, update: Update, _context: Context) -> None:
        query = update.callback_query
        if query is None:
            return
        verb, _, rest = (query.data or "").partition(" ")
        who = self._known(update, is_change=verb == "do")
        if who is None:
            await query.answer("this is not for you")
            return
        text = self._approved(rest) if verb == "do" else self._seen(rest, who)
        await query.answer(text)
        if query.message is not None:
            await query.edit_message_text(text)

    def _approved(self, number: str) -> str:
        command, miner, until = self._asked.pop(number, (None, "", self._now()))
        if command is None or self._now() > until:
            return "that question is too old; ask again"
        self._say(words.order(self._site, command, miner, f"bot-{number}", self._now()))
        return f"{command.value} of {miner} is ordered"

    def _seen(self, key: str, who: str) -> str:
        alert = self._site.alerts.get(key)
        if alert is None:
            return "that is over already"
        ack = AlertAck(site=self._site.site, at=self._now(), key=key, source=words.SOURCE, since=alert.since, by=who)
        self._say(ack)
        return f"seen by {who}: {alert.title}"

    async def _failed(self, _update: object, context: Any) -> None:
        log.warning("an answer did not arrive", channel=self._name, problem=type(context.error).__name__)
