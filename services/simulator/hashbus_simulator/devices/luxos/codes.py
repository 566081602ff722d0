"""Status codes of LuxOS and their texts (PROTOCOLS.md 3.8). Of its own errors only the number 402 is known."""

from collections.abc import Mapping

MESSAGES: Mapping[int, tuple[str, str]] = {
    7: ("S", "{} Pool(s)"),
    8: ("E", "No pools"),
    9: ("S", "{} ASC(s)"),
    11: ("S", "Summary"),
    14: ("E", "Invalid command"),
    22: ("S", "LUXminer versions"),
    23: ("E", "Invalid JSON"),
    24: ("E", "Missing JSON 'command'"),
    26: ("E", "Invalid pool id {} - range is 0 - {}"),
    27: ("S", "Switching to pool {}: '{}'"),
    33: ("S", "LUXminer config"),
    53: ("E", "Invalid addpool details '{}'"),
    55: ("S", "Added pool {}: '{}'"),
    70: ("S", "LUXminer stats"),
    201: ("S", "{} Temp(s)"),
    202: ("S", "{} Fan(s)"),
    203: ("S", "Updated fan control options"),
    306: ("S", "Device reboot scheduled"),
    311: ("S", "Power usage"),
    316: ("S", "Session created"),
    317: ("S", "Session terminated"),
    319: ("S", "Session information"),
    320: ("S", "Profiles"),
    321: ("S", "Profile Set"),
    325: ("S", "LED set"),
    326: ("S", "Miner reset"),
    335: ("S", "Curtailment command sent"),
    339: ("S", "ATM configuration values"),
    340: ("S", "ATM configuration set"),
    357: ("S", "Miner Events"),
    401: ("E", "Invalid session ID"),
    402: ("E", "Another session is active"),
    403: ("E", "Invalid parameter: {}"),
    404: ("E", "Invalid profile: {}"),
    405: ("E", "Fans are not available on this machine"),
}


def status(code: int, when: int, version: str, *details: object) -> list[dict[str, object]]:
    """The STATUS section for a code; `details` fill the gaps of its text, `when` is Unix seconds."""
    letter, message = MESSAGES[code]
    return [
        {
            "Code": code,
            "Description": f"LUXminer {version}",
            "Msg": message.format(*details),
            "STATUS": letter,
            "When": when,
        }
    ]
