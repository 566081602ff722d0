"""Settles each plan that is over: asks the record, computes, signs, keeps the files, and says it on the bus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hashbus import logs
from hashbus.messages import CurtailmentPlan, SettledInterval, Settlement
from hashbus.service import Running
from hashbus_curtailer import metrics
from hashbus_curtailer.ledger import Ledger
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.settlement.baseline import Event, Result, Rules, spans
from hashbus_curtailer.settlement.keys import BadKey, signing_key
from hashbus_curtailer.settlement.record import NoRecord, Record, RecordAway
from hashbus_curtailer.settlement.statement import Statement, as_csv, as_json, fingerprint, signed

log = logs.get("settlement")

LOOKS_EVERY_S = 2.0
AGAIN_AFTER_S = 60.0
GIVES_UP = timedelta(days=7)
"""A record that says for a week that it has nothing will not have it later."""


def folder_of(settings: CurtailerSettings) -> Path:
    """Return where the curtailer keeps its files."""
    return settings.data_dir / "curtailer"


def ledger_file(settings: CurtailerSettings) -> Path:
    """Return where plans and operations are kept."""
    return folder_of(settings) / "ledger.sqlite3"


def key_of(settings: CurtailerSettings) -> Ed25519PrivateKey:
    """Return the key that signs, made where there is none yet; BadKey names the file that is wrong."""
    own = folder_of(settings) / "settlement_key.pem"
    return signing_key(settings.curtailer.settlement.key_file or own)


def event_of(plan: CurtailmentPlan) -> Event:
    """Return what was asked of a plan, as far as it ran: one that was cancelled ends when it was."""
    ends_at = min(plan.asked_until or plan.ends_at, plan.ends_at, plan.at)
    starts_at = max(plan.starts_at, plan.begun_at or plan.starts_at)
    return Event(starts_at=starts_at, ends_at=max(ends_at, starts_at + timedelta(seconds=1)), target_w=plan.target_w)


def rules_of(settings: CurtailerSettings) -> Rules:
    """Return how the baseline is made at this site."""
    section = settings.curtailer.settlement
    return Rules(
        interval_s=section.interval_s,
        time_zone=settings.time_zone,
        adjustment_cap_pct=section.adjustment_cap_pct,
        weekend=section.weekend,
        holidays=section.holidays,
    )


async def stated(
    plan: CurtailmentPlan,
    begun: Sequence[CurtailmentPlan],
    settings: CurtailerSettings,
    http: aiohttp.ClientSession,
    now: datetime,
) -> Statement:
    """Return the unsigned settlement of a plan; `begun` are the plans that may have disturbed its baseline."""
    event, rules = event_of(plan), rules_of(settings)
    others = tuple(
        sorted(
            (one.begun_at, max(one.ends_at, one.begun_at)) for one in begun if one.begun_at and one.plan != plan.plan
        )
    )
    record = Record(settings.curtailer.settlement.history_url, settings.curtailer.meter, http)
    energy: dict[datetime, float] = {}
    for start, stop in spans(event, others, rules):
        energy |= await record.energy(start, stop, rules.interval_s)
    statement = Statement(
        site=plan.site,
        plan=plan.plan,
        source=plan.source,
        why=plan.why,
        event=event,
        others=others,
        rules=rules,
        measured=record.measured,
        record={at.isoformat(): wh for at, wh in sorted(energy.items())},
        result=Result(method="none"),
        made_at=now,
    )
    return statement.model_copy(update={"result": statement.again()})


def message_of(statement: Statement, key: Ed25519PrivateKey, now: datetime) -> Settlement:
    """Return what is said of a settlement on the bus."""
    result = statement.result
    return Settlement(
        site=statement.site,
        at=now,
        plan=statement.plan,
        method=result.method,
        delivered_wh=result.delivered_wh,
        promised_wh=result.promised_wh,
        score_pct=result.score_pct,
        intervals=tuple(
            SettledInterval(
                starts_at=one.starts_at,
                duration_s=statement.rules.interval_s,
                baseline_wh=max(0.0, one.baseline_wh),
                metered_wh=max(0.0, one.metered_wh),
                delivered_wh=one.delivered_wh,
                promised_wh=one.promised_wh,
            )
            for one in result.intervals
        ),
        signature=statement.signature.value if statement.signature else None,
        key=fingerprint(key.public_key()),
        measured=statement.measured,
        baseline_days=len(result.days),
        adjustment=result.adjustment,
        problem=result.problem,
    )


async def settle_all(running: Running[CurtailerSettings], ledger: Ledger) -> None:
    """Settle whatever is over, again and again, until cancelled; what the record cannot tell yet is asked later."""
    async with aiohttp.ClientSession() as http:
        while True:
            problem = await _round(running, ledger, http)
            if running.health.report("settlement", problem and f"settlement: {problem}") and problem:
                log.warning("a settlement waits", problem=problem)
            await running.clock.sleep(AGAIN_AFTER_S if problem else LOOKS_EVERY_S)


async def _round(running: Running[CurtailerSettings], ledger: Ledger, http: aiohttp.ClientSession) -> str | None:
    """Settle what is due; returns what stands in the way."""
    settings, now = running.settings, running.clock.now()
    try:
        for plan in ledger.unsettled(now - timedelta(seconds=settings.curtailer.settlement.after_s)):
            key = key_of(settings)
            begun = ledger.begun_since(plan.starts_at - timedelta(days=rules_of(settings).lookback_days + 2))
            try:
                statement = signed(await stated(plan, begun, settings, http, now), key)
            except NoRecord as error:
                if now - plan.at < GIVES_UP:
                    return str(error)
                log.warning("a plan cannot be settled", plan=plan.plan, problem=str(error))
                ledger.mark_settled(plan.plan)
                continue
            _write(folder_of(settings) / "settlements", statement)
            running.bus.publish(message_of(statement, key, now))
            await running.bus.flush()
            ledger.mark_settled(plan.plan)
            metrics.SETTLED.inc()
            log.info(
                "settled",
                plan=plan.plan,
                delivered_wh=statement.result.delivered_wh,
                score_pct=statement.result.score_pct,
            )
    except (RecordAway, BadKey) as error:
        return str(error)
    except OSError as error:
        return f"cannot write: {error}"
    return None


def _write(folder: Path, statement: Statement) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, text in (("json", as_json(statement)), ("csv", as_csv(statement))):
        file = folder / f"{statement.plan}.{suffix}"
        unfinished = file.with_suffix(f".{suffix}.new")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
