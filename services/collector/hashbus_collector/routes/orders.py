"""What people call to have something done at a site: make commands, follow them, cancel them."""

from __future__ import annotations

import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from hashbus_collector.access import LoggedIn, Parts, address_of, allow
from hashbus_collector.collector import Collector
from hashbus_collector.command_answers import (
    BatchMade,
    BatchProblem,
    BatchProgress,
    CommandFound,
    CommandHistory,
    CommandMade,
    command_state,
)
from hashbus_collector.command_rules import OF_SITES, OPEN, Kind, Status, WrongParameters, completed
from hashbus_collector.commands import Filter, Wish
from hashbus_collector.errors import Refusal
from hashbus_collector.people import Person, Role
from hashbus_collector.records import Name, ShortText
from hashbus_collector.routes import PREFIX, refusals

router = APIRouter(prefix=f"{PREFIX}/commands", tags=["commands"])

MOST_AT_ONCE = 10_000
LONGEST_PARAMETERS = 8_000

SiteName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
SiteNumber = Annotated[int, Field(ge=0, le=2**53)]


def _as_text(value: Any) -> Any:
    """Take a number for a name: clients with numbered sites send the number."""
    is_number = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return str(int(value)) if is_number and not isinstance(value, bool) else value


def _in_words(value: Any) -> Any:
    """Take a moment only as it is written in ISO 8601: a bare number would count as seconds since 1970."""
    if isinstance(value, str) and not re.match(r"^\d{4}-", value):
        raise ValueError("must be a moment as 2026-11-21T06:00:00Z")
    return value


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse parameters that PostgreSQL cannot keep, or that no command has any use for."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_PARAMETERS:
        raise ValueError(f"are longer than {LONGEST_PARAMETERS} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("hold half a character") from None
    if "\\u0000" in text:
        raise ValueError("hold a character NUL")
    return value


SiteId = Annotated[SiteName, BeforeValidator(_as_text, json_schema_input_type=SiteName | SiteNumber)]
CommandId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Priority = Annotated[int, Field(ge=0, le=10, description="10 is the most urgent")]
Ttl = Annotated[float, Field(gt=0, le=10_080, description="Minutes until it is not carried out any more")]
Parameters = Annotated[dict[str, Any], Field(max_length=30), AfterValidator(_storable)]


class Asked(BaseModel):
    """What shall be done, and how urgent that is."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    command_type: Kind = Field(validation_alias=AliasChoices("command_type", "command"))
    parameters: Parameters | None = Field(None, validation_alias=AliasChoices("parameters", "params"))
    priority: Priority = 5
    ttl_minutes: Ttl = 30

    def wish(self, site: str, miner_id: str | None, ip_address: str | None) -> Wish:
        """Return it for one miner; WrongParameters when the parameters do not fit."""
        if miner_id is None and self.command_type not in OF_SITES:
            raise WrongParameters(f"miner_id: is missing; {self.command_type.value} is for one miner")
        params = completed(self.command_type, self.parameters or {})
        ttl = timedelta(minutes=self.ttl_minutes)
        return Wish(site, miner_id, self.command_type, params, self.priority, ttl, ip_address)


class NewCommand(Asked):
    """One command for one miner (S1.19), or for a whole site: `curtail` and `curtail_stop` name no miner.

    The address is handed on; a bridge goes by the miner's id alone.
    """

    miner_id: Name | None = None
    site_id: SiteId
    ip_address: ShortText | None = None


class DifferentCommands(BaseModel):
    """Many commands, each written out."""

    commands: Annotated[list[NewCommand], Field(min_length=1, max_length=MOST_AT_ONCE)]

    def each(self) -> list[NewCommand]:
        """Return the commands one by one."""
        return self.commands


class SameCommand(Asked):
    """The same command for many miners of one site."""

    site_id: SiteId
    miner_ids: Annotated[list[Name], Field(min_length=1, max_length=MOST_AT_ONCE)]

    def each(self) -> list[NewCommand]:
        """Return the commands one by one."""
        same = self.model_dump(exclude={"miner_ids"})
        return [NewCommand(miner_id=miner, **same) for miner in self.miner_ids]


class CommandSearch(BaseModel):
    """Which commands are looked for; all when nothing is said."""

    site_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    miner_id: Name | None = None
    status: Annotated[list[Status], Field(max_length=7)] = []
    batch_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    since: Annotated[AwareDatetime, BeforeValidator(_in_words)] | None = None
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(None, description="`next_before` of the page before")
    limit: Annotated[int, Field(ge=1, le=1000)] = 100

    def filter(self, who: Person) -> Filter:
        """Return it as the database takes it, for the sites that a person may look at."""
        return Filter(
            sites=[self.site_id] if self.site_id else who.sites,
            miner_id=self.miner_id,
            status=[one.value for one in self.status] or None,
            batch=self.batch_id,
            since=_within_reason(self.since),
            before_no=self.before,
            limit=self.limit,
        )


@router.post("", response_model=CommandMade, responses=refusals(400, 401, 403, 404, 409))
async def make(given: NewCommand, request: Request, parts: Parts, who: LoggedIn) -> CommandMade:
    """Have something done by a miner; the site fetches it within half a minute."""
    allow(who, given.site_id, Role.OPERATOR)
    await _check_site(parts, given.site_id)
    try:
        wish = given.wish(given.site_id, given.miner_id, given.ip_address)
    except WrongParameters as error:
        raise Refusal(422, str(error)) from None
    now = parts.clock.now()
    [command_id] = await parts.commands.make([wish], now, by=who.name, address=address_of(request))
    warning = await _warning(parts, given)
    return CommandMade(command_id=command_id, expires_at=now + wish.ttl, warning=warning)


@router.post("/batch", response_model=BatchMade, responses=refusals(400, 401, 403, 404, 409))
async def make_many(given: DifferentCommands | SameCommand, request: Request, parts: Parts, who: LoggedIn) -> BatchMade:
    """Have something done by many miners. What is not right is named; the others stand."""
    asked = given.each()
    for site in {one.site_id for one in asked}:
        allow(who, site, Role.OPERATOR)
        await _check_site(parts, site)
    wishes, errors = [], []
    for index, one in enumerate(asked):
        try:
            wishes.append(one.wish(one.site_id, one.miner_id, one.ip_address))
        except WrongParameters as error:
            errors.append(BatchProblem(index=index, error=str(error)))
    if not wishes:
        raise Refusal(422, f"not one command is right; {errors[0].error}")
    batch = secrets.token_hex(8)
    made = await parts.commands.make(wishes, parts.clock.now(), by=who.name, address=address_of(request), batch=batch)
    return BatchMade(batch_id=batch, command_ids=made, created=len(made), rejected=len(errors), errors=errors[:100])


@router.get("/history", response_model=CommandHistory, responses=refusals(401, 403, 404))
async def history(parts: Parts, who: LoggedIn, asked: Annotated[CommandSearch, Query()]) -> CommandHistory:
    """List commands, the newest first."""
    if asked.site_id is not None:
        allow(who, asked.site_id, Role.GUEST)
    rows = await parts.commands.some(asked.filter(who))
    return CommandHistory(
        commands=[command_state(row) for row in rows],
        count=len(rows),
        next_before=rows[-1]["no"] if len(rows) == asked.limit else None,
    )


@router.get("/batches/{batch_id}", response_model=BatchProgress, responses=refusals(401, 404))
async def progress(batch_id: CommandId, parts: Parts, who: LoggedIn) -> BatchProgress:
    """Say how far a batch is."""
    counts = await parts.commands.counts(batch_id, who.sites)
    if not counts:
        raise Refusal(404, f"no batch {batch_id!r}")
    by_status = {Status(name): number for name, number in counts.items()}
    total = sum(by_status.values())
    is_open = sum(by_status.get(one, 0) for one in OPEN)
    return BatchProgress(batch_id=batch_id, total=total, done=total - is_open, by_status=by_status)


@router.get("/{command_id}", response_model=CommandFound, responses=refusals(401, 404))
async def look(command_id: CommandId, parts: Parts, who: LoggedIn) -> CommandFound:
    """Say where a command is in its life."""
    return CommandFound(command=command_state(await _found(parts, who, command_id, Role.GUEST)))


@router.delete("/{command_id}", response_model=CommandFound, responses=refusals(401, 403, 404, 409))
async def cancel(command_id: CommandId, request: Request, parts: Parts, who: LoggedIn) -> CommandFound:
    """Cancel a command that its site has not fetched yet."""
    row = await _found(parts, who, command_id, Role.OPERATOR)
    cancelled = await parts.commands.cancel(command_id, parts.clock.now(), by=who.name, address=address_of(request))
    if cancelled is None:
        now = await parts.commands.one(command_id) or row
        why = "the site has fetched it" if now["status"] == Status.SENT else f"it is {now['status']}"
        raise Refusal(409, f"command {command_id!r} cannot be cancelled any more: {why}")
    return CommandFound(command=command_state(cancelled))


async def _warning(parts: Collector, given: NewCommand) -> str | None:
    if given.miner_id is None or await parts.views.known_miners(given.site_id, [given.miner_id]):
        return None
    return f"site {given.site_id} has never uploaded anything of miner {given.miner_id}"


async def _found(parts: Collector, who: Person, command_id: str, role: Role) -> Any:
    row = await parts.commands.one(command_id)
    if row is None or not who.may(row["site"], Role.GUEST):
        raise Refusal(404, f"no command {command_id!r}")
    allow(who, row["site"], role)
    return row


async def _check_site(parts: Collector, site: str) -> None:
    if not await parts.views.knows(site):
        raise Refusal(404, f"no site {site!r}")
    if parts.settings.direct.enabled and site in parts.settings.direct.sites:
        raise Refusal(409, f"site {site!r} is read directly by the collector; commands need a bridge at the site")


def _within_reason(moment: datetime | None) -> datetime | None:
    # PostgreSQL counts from 4713 BC to 294276 AD, Python's offsets push year 1 and year 9999 beyond what Python counts.
    if moment is None or 1970 <= moment.year <= 9000:
        return moment
    raise Refusal(422, f"since: {moment.year} is not a year of commands")
