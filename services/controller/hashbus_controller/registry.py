"""The policies of a site, built from its settings. One line each; the order means nothing, ranks decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from hashbus_controller.policies.curtailment import Curtailment
from hashbus_controller.policies.emergency import Emergency
from hashbus_controller.policies.heat import Heat
from hashbus_controller.policies.limits import Limits
from hashbus_controller.policies.night import Night
from hashbus_controller.policies.price import Price
from hashbus_controller.policies.requests import Requests
from hashbus_controller.policies.safety import Safety
from hashbus_controller.policies.schedule import Schedule
from hashbus_controller.policies.soc import Soc
from hashbus_controller.policies.sunset import Sunset
from hashbus_controller.policies.surplus import Surplus
from hashbus_controller.policy import Policies, Policy, sorted_out
from hashbus_controller.settings import ControllerSection, ControllerSettings
from hashbus_controller.state import State
from hashbus_controller.switch import first


def policies_of(settings: ControllerSettings) -> Policies:
    """Return the policies that these settings ask for."""
    return sorted_out([*_always(settings.controller), *_chosen(settings, settings.controller)])


def _always(section: ControllerSection) -> Iterator[Policy[Any]]:
    yield Safety(section.safety)
    if section.emergency:
        yield Emergency(section.emergency)
    yield _limits(section)
    yield Requests()
    yield Curtailment()


def _chosen(settings: ControllerSettings, section: ControllerSection) -> Iterator[Policy[Any]]:
    zone = ZoneInfo(settings.time_zone)
    if section.soc:
        yield Soc(section.soc)
    if section.soc and section.sunset:
        yield Sunset(section.sunset, section.soc, zone, settings.place)
    if section.surplus:
        yield Surplus(section.surplus)
    if section.price:
        yield Price(section.price)
    yield from (Schedule(key, schedule, zone) for key, schedule in section.schedules.items())
    yield from (Night(key, night, zone) for key, night in section.nights.items())
    if section.heat:
        yield Heat(section.heat, settings.time_zone, is_fast=section.fast_power)


def _limits(section: ControllerSection) -> Limits:
    miners = ((miner, limits.max_power_w) for miner, limits in section.miners.items())
    groups = ((group, limits.max_power_w) for group, limits in section.groups.items())
    return Limits(
        section.site_limit_w,
        tuple((group, limit_w) for group, limit_w in groups if limit_w is not None),
        tuple((miner, limit_w) for miner, limit_w in miners if limit_w is not None),
    )


def beginning(settings: ControllerSettings) -> State:
    """Return what the controller knows before it has heard anything."""
    policies = policies_of(settings)
    return State(
        settings.site,
        settings.controller,
        policies=policies,
        time_zone=settings.time_zone,
        switch=first(settings.controller.auto_control),
        memories={policy.name: policy.begins() for policy in policies.every},
    )
