"""The configuration page of one Antminer over time: what is in force, and how a change is written.

Two facts of PROTOCOLS.md 3.6 shape it. A write restarts mining, so a setting that was read while the miner runs holds
until the miner starts again: it is read once for each run, not with every reading. And for 10 to 30 s after a write
the page may still show the old state: in that time the last written configuration is what the next change builds on.
"""

from __future__ import annotations

from collections.abc import Callable

from hashbus.clock import Clock
from hashbus_poller.drivers.antminer.commands import GET_CONF, SET_CONF
from hashbus_poller.drivers.antminer.conf import MinerConf, conf_body, parse_conf
from hashbus_poller.drivers.antminer.form import conf_form, refusal
from hashbus_poller.drivers.antminer.stats import Stats
from hashbus_poller.drivers.antminer.wire import AntminerWeb, without_pool_passwords
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Unsupported

SETTLING_S = 30.0
"""For so long after a write the page may show the state before it."""

SETTLED_S = 60.0
"""A run that is older than this shows the configuration that it was started with."""

SAME_RUN_S = 10.0
"""The start of a run, reckoned from its age, wanders by less than this."""

TRY_AGAIN_S = 60.0
"""A page that does not answer is not asked again with every reading: each try costs a time-out."""

TAKEN = "M000"


class ConfPage:
    """Reads and writes the configuration. Knows what it wrote last, and in which spelling this firmware takes it."""

    def __init__(self, web: AntminerWeb, clock: Clock) -> None:
        """Ask nothing yet."""
        self._web = web
        self._clock = clock
        self._known: MinerConf | None = None
        self._known_run_s: float | None = None
        self._written: MinerConf | None = None
        self._written_s = 0.0
        self._modes_as_text = False
        self._quiet_until_s = 0.0
        self.takes_form = False
        """Whether this is a miner of the S17 generation or before."""
        self.complaint: str | None = None
        """Why the page tells nothing, where only the owner can put that right."""

    async def in_force(self, stats: Stats) -> MinerConf | None:
        """Return what is set on a miner that shows these stats; None where the page does not tell now."""
        now_s = self._clock.monotonic()
        run_s = now_s - stats.elapsed_s if stats.is_hashing and stats.elapsed_s is not None else None
        if self._is_known_for(run_s):
            return self._known
        if self.complaint is not None or now_s < self._quiet_until_s:
            return None
        try:
            conf = await self.shown()
        except Refused as refused:
            self.complaint = str(refused)
            return None
        except (Unreachable, Garbled, Unsupported):
            self._quiet_until_s = now_s + TRY_AGAIN_S
            return None
        is_settled = stats.elapsed_s is not None and stats.elapsed_s >= SETTLED_S
        self._known, self._known_run_s = conf, run_s if is_settled else None
        return conf

    async def shown(self) -> MinerConf:
        """Return what the page shows now."""
        answer = decode_page(GET_CONF, await self._web.get(GET_CONF))
        self.complaint = None
        try:
            return parse_conf(answer)
        except Garbled as garbled:
            raise Garbled(str(garbled), without_pool_passwords(garbled.payload)) from None

    async def change(self, changed: Callable[[MinerConf], MinerConf], *, even_if_same: bool = False) -> None:
        """Write a changed configuration; nothing is written, and mining goes on, where it is set already.

        `even_if_same` writes all the same: that is how a stock Antminer restarts mining.
        """
        present = await self._present()
        wanted = changed(present)
        if wanted == present and not even_if_same:
            return
        if wanted == self._written and not even_if_same:
            # It said yes to this before, and did not do it: firmware that wants the other spelling and does not say so.
            self._modes_as_text = not self._modes_as_text
        await self._write(wanted)

    async def _present(self) -> MinerConf:
        if self._written is not None and self._clock.monotonic() - self._written_s < SETTLING_S:
            return self._written
        return await self.shown()

    async def _write(self, conf: MinerConf) -> None:
        self._known = self._known_run_s = None
        if self.takes_form:
            await self._write_form(conf)
            return
        problem = ""
        for modes_as_text in (self._modes_as_text, not self._modes_as_text):
            body = conf_body(conf, modes_as_text=modes_as_text)
            verdict = decode_page(SET_CONF, await self._web.post(SET_CONF, body)).whole()
            if verdict.text("code") == TAKEN or verdict.text("stats") == "success":
                self._modes_as_text = modes_as_text
                self._is_written(conf)
                return
            problem = f"{verdict.text('code')}: {verdict.text('msg')}"
        raise Refused(f"the miner does not take the configuration ({problem})")

    async def _write_form(self, conf: MinerConf) -> None:
        problem = refusal(await self._web.post_form(SET_CONF, conf_form(conf)))
        if problem is not None:
            raise Refused(f"the miner does not take the configuration ({problem})")
        self._is_written(conf)

    def _is_written(self, conf: MinerConf) -> None:
        self._written, self._written_s = conf, self._clock.monotonic()
        self._quiet_until_s = 0.0

    def _is_known_for(self, run_s: float | None) -> bool:
        if self._known is None or self._known_run_s is None or run_s is None:
            return False
        return run_s - self._known_run_s < SAME_RUN_S


def decode_page(path: str, page: bytes) -> Answer:
    """Return what a page says; Unreachable while the mining process behind it is down.

    What is no JSON is not quoted, because it may hold a pool password; the payload has it masked.
    """
    try:
        return decode(path, page)
    except MinerDown as down:
        raise Unreachable(f"the mining process is down: {down}") from None
    except Garbled as garbled:
        masked = without_pool_passwords(garbled.payload)
        raise Garbled(f"{path}: the page is not the JSON it should be", masked) from None
