"""Acts on many miners at once, and how far they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from hashbus.messages import Moment
from hashbus_web.acts.operation import Operation, Status


class Batch(BaseModel):
    """How many of the miners of one act are how far."""

    model_config = ConfigDict(frozen=True)

    id: str
    act: str
    at: Moment
    by: str
    total: int
    pending: int = 0
    taken: int = 0
    confirmed: int = 0
    refused: int = 0
    failed: int = 0
    timed_out: int = 0
    is_done: bool = False


def counted(batch: Batch, operations: Iterable[Operation]) -> Batch:
    """Return the batch with its operations counted anew."""
    counts = Counter(operation.status for operation in operations)
    numbers = {status.value: counts[status] for status in Status}
    is_done = not counts[Status.PENDING] and not counts[Status.TAKEN]
    return batch.model_copy(update={**numbers, "is_done": is_done})
