"""The `set.` commands of API v3 that concern the control board: network, light, fans, users (PROTOCOLS.md 1.8)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.whatsminer_v3.params import BadParam, members, one_of, parsed, whole_number
from hashbus_simulator.devices.whatsminer_v3.reads import Answer
from hashbus_simulator.devices.whatsminer_v3.state import WhatsminerState

OK = Answer(0, "ok")


def reboot(miner: WhatsminerState, _param: object) -> Answer:
    """`set.system.reboot`: the board leaves the network; a service that was stopped, not disabled, runs again."""
    miner.physics.asleep = not miner.is_enabled
    miner.physics.reboot()
    miner.physics.set_target(float(miner.user_power_w) if miner.user_power_w else None)
    miner.vault.turn_salt()
    return OK


def factory_reset(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.factory_reset`: all settings of the factory, then a reboot."""
    miner.restore_settings()
    miner.restore_system()
    miner.physics.demand.restore()
    miner.physics.tuning_factor = 1.0
    return reboot(miner, param)


def hostname(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.hostname`."""
    (miner.hostname,) = members(param, "hostname")
    return OK


def led(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.led`: `auto`, or a list of lights with colour and times in ms."""
    lights = parsed(param) if isinstance(param, str) and param != "auto" else param
    if lights != "auto":
        if not isinstance(lights, list) or not lights:
            raise BadParam
        for light in lights:
            members(light, "color", "period", "duration", "start")
    miner.led = lights
    return OK


def net_config(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.net_config`: `dhcp`, or address, mask, gateway and name server (shown, not moved to)."""
    if param == "dhcp":
        miner.net_config = None
    else:
        ip, netmask, gateway, dns = members(param, "ip", "netmask", "gateway", "dns")
        miner.net_config = (ip, netmask, gateway, dns)
    return OK


def ntp_server(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.ntp_server`: names joined by commas."""
    if not isinstance(param, str) or not param:
        raise BadParam
    miner.ntp_servers = param
    return OK


def time_randomized(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.time_randomized`: bounds of a random restart delay, at most 120 s."""
    start, stop = (whole_number(text, 0, 120) for text in members(param, "start", "stop"))
    miner.time_randomized = (start, stop)
    return OK


def timezone(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.timezone`."""
    miner.timezone, miner.zonename = members(param, "timezone", "zonename")
    return OK


def webpools(miner: WhatsminerState, param: object) -> Answer:
    """`set.system.webpools`: whether the web page may change pools."""
    miner.web_pools = one_of(param, "enable", "disable") == "enable"
    return OK


def update_firmware(miner: WhatsminerState, _param: object) -> Answer:
    """`set.system.update_firmware`: says `ready`; the next frame is the image."""
    miner.expects_image = True
    return Answer(0, "ready")


def take_image(miner: WhatsminerState) -> Answer:
    """The image has come: the miner reboots with it."""
    miner.expects_image = False
    return reboot(miner, None)


def fan_poweroff_cool(miner: WhatsminerState, param: object) -> Answer:
    """`set.fan.poweroff_cool`."""
    miner.fans = (whole_number(param, 0, 1), *miner.fans[1:])
    return OK


def fan_zero_speed(miner: WhatsminerState, param: object) -> Answer:
    """`set.fan.zero_speed`."""
    miner.fans = (miner.fans[0], whole_number(param, 0, 1), miner.fans[2])
    return OK


def fan_temp_offset(miner: WhatsminerState, param: object) -> Answer:
    """`set.fan.temp_offset`: -30 to 0 degrees."""
    miner.fans = (*miner.fans[:2], whole_number(param, -30, 0))
    return OK


def change_passwd(miner: WhatsminerState, param: object) -> Answer:
    """`set.user.change_passwd`: the parameter arrives decrypted."""
    account, new, old = members(param, "account", "new", "old")
    return OK if miner.vault.change_password(account, old, new) else Answer(-1, "wrong password")


def permission(miner: WhatsminerState, param: object) -> Answer:
    """`set.user.permission`: the commands of one user, joined by commas."""
    user, commands = members(param, "user", "permission")
    allowed = frozenset(part.strip() for part in commands.split(",") if part.strip())
    return OK if miner.vault.permit(user, allowed) else Answer(-1, "unknown user")


SYSTEM_WRITES: Mapping[str, Callable[[WhatsminerState, object], Answer]] = {
    "set.system.reboot": reboot,
    "set.system.factory_reset": factory_reset,
    "set.system.hostname": hostname,
    "set.system.led": led,
    "set.system.net_config": net_config,
    "set.system.ntp_server": ntp_server,
    "set.system.time_randomized": time_randomized,
    "set.system.timezone": timezone,
    "set.system.webpools": webpools,
    "set.system.update_firmware": update_firmware,
    "set.fan.poweroff_cool": fan_poweroff_cool,
    "set.fan.zero_speed": fan_zero_speed,
    "set.fan.temp_offset": fan_temp_offset,
    "set.user.change_passwd": change_passwd,
    "set.user.permission": permission,
}
