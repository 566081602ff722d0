"""Who may do what: roles, rights, and on which devices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

EVERYTHING = "*"


class Right(StrEnum):
    """One kind of thing that can be done here."""

    READ = "read"
    POWER = "power"
    ORDER = "order"
    CURTAIL = "curtail"
    HEAT = "heat"
    CONTROL = "control"
    SCAN = "scan"
    ALERTS = "alerts"
    ADMIN = "admin"


class Role(StrEnum):
    """Admins do everything, operators run the site, guests look."""

    ADMIN = "admin"
    OPERATOR = "operator"
    GUEST = "guest"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.OPERATOR: frozenset(Right) - {Right.ADMIN},
    Role.GUEST: frozenset({Right.READ}),
}
"""What each role may do, before grants narrow it."""


class Grant(BaseModel):
    """Leave to see, and perhaps to act on, one device, one group or everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Annotated[str, Field(pattern=r"^(\*|(miner|group|battery|equipment):[A-Za-z0-9_-]{1,64})$")] = EVERYTHING
    may_write: bool = False


class Sight(BaseModel):
    """What somebody may look at: a device must be named by each of `filters` (`miner:attic`, `group:cellar`).

    It is a value, so that all who may see the same share what is made for them.
    """

    model_config = ConfigDict(frozen=True)

    filters: tuple[frozenset[str], ...] = ()

    def sees(self, kind: str, device: str, group: str | None = None) -> bool:
        """Say whether this device is among them."""
        if not self.filters:
            return True
        names = {f"{kind}:{device}", f"group:{group}"}
        return all(names & wanted for wanted in self.filters)

    @property
    def is_whole(self) -> bool:
        """Say whether it is the whole site."""
        return not self.filters


class Leave(BaseModel):
    """What a role, or the scopes of a bot, allow: rights, narrowed by grants."""

    model_config = ConfigDict(frozen=True)

    rights: frozenset[Right]
    grants: tuple[Grant, ...]

    def is_for(self, right: Right, names: frozenset[str]) -> bool:
        """Say whether it covers one of these names; `*` is always meant too. Reading needs no leave to write."""
        wanted = names | {EVERYTHING}
        return right in self.rights and any(
            grant.on in wanted and (grant.may_write or right is Right.READ) for grant in self.grants
        )


class Leaves(BaseModel):
    """Everything one caller may do: what each leave allows. A bot has its owner's and its own."""

    model_config = ConfigDict(frozen=True)

    all: tuple[Leave, ...]

    @property
    def rights(self) -> frozenset[Right]:
        """Return what may be done anywhere at all."""
        return frozenset.intersection(*(leave.rights for leave in self.all)) if self.all else frozenset()

    @property
    def sight(self) -> Sight:
        """Return what may be looked at."""
        named = (frozenset(grant.on for grant in leave.grants) for leave in self.all)
        return Sight(filters=tuple(names for names in named if EVERYTHING not in names))

    def may_on_site(self, right: Right) -> bool:
        """Say whether it may be done to the site as a whole."""
        return bool(self.all) and all(leave.is_for(right, frozenset()) for leave in self.all)

    def may_on_all(self, right: Right, name: str) -> bool:
        """Say whether it may be done to everything that a name such as `group:cellar` stands for."""
        return bool(self.all) and all(leave.is_for(right, frozenset({name})) for leave in self.all)

    def may_on(self, right: Right, kind: str, device: str, group: str | None = None) -> bool:
        """Say whether it may be done to this device."""
        names = frozenset({f"{kind}:{device}", *([f"group:{group}"] if group else [])})
        return bool(self.all) and all(leave.is_for(right, names) for leave in self.all)


def default_grants(role: Role) -> tuple[Grant, ...]:
    """Return what a new person of this role may touch: everything, guests without acting."""
    return (Grant(on=EVERYTHING, may_write=role is not Role.GUEST),)


def leave_of(role: Role, grants: tuple[Grant, ...]) -> Leave:
    """Return what a person may do; grants narrow everybody but admins."""
    if role is Role.ADMIN:
        grants = default_grants(role)
    return Leave(rights=RIGHTS[role], grants=grants)
