"""What all Avalons of the promises have in common."""

from hashbus.messages import MinerIdentity
from hashbus_poller.testing.driver_promises import HARMLESS, Ending, Fault

ENDINGS: dict[Fault, Ending] = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no rights
}


def names(identity: MinerIdentity) -> dict[str, float]:
    return {level.name: level.power_w for level in identity.power_levels}
