"""Status codes of the cgminer API and the texts that go with them (PROTOCOLS.md 3.2)."""

from collections.abc import Mapping

MESSAGES: Mapping[int, tuple[str, str]] = {
    7: ("S", "{} Pool(s)"),
    8: ("E", "No pools"),
    9: ("S", "{} ASC(s)"),
    11: ("S", "Summary"),
    14: ("E", "Invalid command"),
    15: ("E", "Missing device id parameter"),
    22: ("S", "CGMiner versions"),
    23: ("E", "Invalid JSON"),
    24: ("E", "Missing JSON 'command'"),
    25: ("E", "Missing pool id parameter"),
    26: ("E", "Invalid pool id {} - range is 0 - {}"),
    27: ("S", "Switching to pool {}:'{}'"),
    33: ("S", "CGMiner config"),
    44: ("S", "Configuration saved to file '{}'"),
    45: ("E", "Access denied to '{}' command"),
    46: ("S", "Privileged access OK"),
    47: ("S", "Enabling pool {}:'{}'"),
    48: ("S", "Disabling pool {}:'{}'"),
    49: ("I", "Pool {}:'{}' already enabled"),
    50: ("I", "Pool {}:'{}' already disabled"),
    51: ("E", "Cannot disable last active pool {}:'{}'"),
    52: ("E", "Missing addpool details"),
    53: ("E", "Invalid addpool details '{}'"),
    55: ("S", "Added pool {}: '{}'"),
    66: ("E", "Cannot remove last pool {}:'{}'"),
    67: ("E", "Cannot remove active pool {}:'{}'"),
    68: ("S", "Removed pool {}:'{}'"),
    69: ("S", "Device Details"),
    70: ("S", "CGMiner stats"),
    71: ("E", "Missing check cmd"),
    72: ("S", "Check command"),
    73: ("S", "Changed pool priorities"),
    78: ("S", "CGMiner coin"),
    94: ("E", "Missing zero parameters"),
    96: ("S", "Zeroed {} stats without summary"),
    104: ("S", "ASC count"),
    106: ("S", "ASC{}"),
    107: ("E", "Invalid ASC id {} - range is 0 - {}"),
    108: ("I", "ASC {} already enabled"),
    109: ("I", "ASC {} already disabled"),
    110: ("S", "ASC {} sent enable message"),
    111: ("S", "ASC {} set to disabled"),
    113: ("S", "Identify command sent to ASC{}"),
    115: ("E", "Missing option after ASC number"),
    118: ("I", "ASC {} set help: {}"),
    119: ("S", "ASC {} set OK"),
    120: ("E", "ASC {} set failed: {}"),
}


def status(code: int, when: int, description: str, *details: object) -> list[dict[str, object]]:
    """The STATUS section for a code; `details` fill the gaps of its text, `when` is Unix seconds."""
    letter, message = MESSAGES[code]
    return [
        {
            "STATUS": letter,
            "When": when,
            "Code": code,
            "Msg": message.format(*details),
            "Description": description,
        }
    ]
