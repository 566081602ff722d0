"""Which way of asking belongs to which kind of provider."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from hashbus.clock import Clock
from hashbus_web.people.elsewhere.github import GitHub
from hashbus_web.people.elsewhere.home_assistant import HomeAssistant
from hashbus_web.people.elsewhere.identity import Provider
from hashbus_web.people.elsewhere.openid import OpenIdConnect
from hashbus_web.settings import ProviderKind, ProviderSettings


def providers(
    settings: Mapping[str, ProviderSettings], http: aiohttp.ClientSession, clock: Clock
) -> dict[str, Provider]:
    """Return every provider of the site file by its name."""
    return {name: _provider(one, http, clock) for name, one in settings.items()}


def _provider(settings: ProviderSettings, http: aiohttp.ClientSession, clock: Clock) -> Provider:
    if settings.kind is ProviderKind.GITHUB:
        return GitHub(settings, http)
    if settings.kind is ProviderKind.HOME_ASSISTANT:
        return HomeAssistant(settings, http)
    return OpenIdConnect(settings, http, clock)
