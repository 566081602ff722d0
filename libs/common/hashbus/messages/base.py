"""What every message is: a frozen value that knows its own address, its age and how to become bytes and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from hashbus.topics import ID_PATTERN, Topic

CONTRACT_VERSION = 1
"""Version of the topic table. It rises when a topic or a field is given up, never when one is added."""

Id = Annotated[str, Field(pattern=ID_PATTERN)]
"""Name of a site, a device or a source: letters, digits, `_` and `-`, at most 64."""

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A point in time. It is read with any offset and kept in UTC; without an offset it is refused."""

Text = Annotated[str, Field(max_length=1000)]
"""A sentence for people."""

Word = Annotated[str, Field(max_length=200)]
"""A name as a device or a person spells it."""


class BadMessage(ValueError):
    """A message that does not fit its class; names the topic, the field, the value and what would be right."""

    def __init__(self, address: str, problem: str) -> None:
        """Say what is wrong with the message at `address`."""
        super().__init__(f"{address}: {problem}")
        self.address = address
        self.problem = problem


class Part(BaseModel):
    """A group of fields inside a message."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Message(Part):
    """One message on the bus: a device's reading, a wish, a decision.

    Unknown fields are ignored on reading, so that a newer sender does not break an older reader.
    """

    topic: ClassVar[Topic]

    site: Id
    at: Moment = Field(description="When the sender took or made this")

    def levels(self) -> dict[str, str]:
        """Return the variable levels of this message's topic."""
        return {name: getattr(self, name) for name in self.topic.levels}

    def address(self) -> str:
        """Return the full topic name."""
        return self.topic.address(self.levels())

    def age_s(self, now: datetime) -> float:
        """Return the seconds since the message was made.

        Never negative, so that a skewed clock makes nothing younger.
        """
        return max(0.0, (now - self.at).total_seconds())

    def is_stale(self, now: datetime) -> bool:
        """Say whether the shelf life is over and no decision may use this any more."""
        return self.topic.stale_after is not None and self.age_s(now) > self.topic.stale_after.total_seconds()

    def encode(self) -> bytes:
        """Return the message as JSON in UTF-8."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def decode(cls, payload: bytes | str, address: str) -> Self:
        """Read a message that arrived at `address`; BadMessage when it does not fit the class or its own topic."""
        expected = cls.topic.matches(address)
        if expected is None:
            raise BadMessage(address, f"is not a topic of {cls.__name__}; it would be {cls.topic.filter()}")
        try:
            message = cls.model_validate_json(payload)
        except ValidationError as error:
            raise BadMessage(address, describe(error)) from None
        for level, value in expected.items():
            if getattr(message, level) != value:
                # Otherwise a writer that may speak for one device could speak for another.
                raise BadMessage(address, f"{level} is {getattr(message, level)!r}, but the topic says {value!r}")
        return message


def describe(error: ValidationError) -> str:
    """Return the problems of a refused value in one line: field, what was given, what would be right."""
    problems = []
    for one in error.errors(include_url=False)[:5]:
        field = ".".join(str(step) for step in one["loc"]) or "message"
        given = one.get("input")
        shown = "" if one["type"] == "missing" or isinstance(given, dict | bytes) else f" (got {str(given)[:60]!r})"
        problems.append(f"{field}: {one['msg']}{shown}")
    rest = error.error_count() - len(problems)
    return "; ".join(problems) + (f"; and {rest} more" if rest > 0 else "")
