"""When a channel tells an alert: at once, after quiet hours, in a digest, or not at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from hashbus.messages import Alert, Severity
from hashbus_notifier.channel_settings import ChannelSettings, QuietHours

ORDER = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
MARKS = {Severity.INFO: "🔵", Severity.WARNING: "⚠️", Severity.CRITICAL: "🔴"}
OVER = "✅"


@dataclass(frozen=True, slots=True)
class Note:
    """What a channel shall tell: `mark` is one for each thing that may be told once, `send_at` when it may."""

    channel: str
    key: str
    mark: str
    severity: Severity
    text: str
    made_at: datetime
    send_at: datetime


def is_for(alert: Alert, channel: ChannelSettings) -> bool:
    """Say whether a channel tells alerts of this kind and gravity at all."""
    is_wanted = not channel.kinds or any(alert.key.startswith(kind) for kind in channel.kinds)
    return is_wanted and ORDER.index(alert.severity) >= ORDER.index(channel.from_severity)


def note_of(alert: Alert, name: str, channel: ChannelSettings, now: datetime, zone: tzinfo) -> Note:
    """Return the note of an alert that stands, or of its end."""
    is_over = alert.cleared_at is not None
    # The same alert, graver or of twice as many, is news; heard once more after a restart it is not.
    mark = f"{alert.since.isoformat()} {'over' if is_over else alert.severity.value} {alert.count.bit_length()}"
    sign = OVER if is_over else MARKS[alert.severity]
    body = "" if is_over or not alert.text else f"\n{alert.text}"
    wait_s = 0.0 if is_over else channel.after_s
    earliest = now + timedelta(seconds=wait_s)
    is_grave = alert.severity is Severity.CRITICAL and not is_over
    if channel.digest_s and not is_grave:
        earliest = max(earliest, now + timedelta(seconds=channel.digest_s))
    send_at = after_quiet(earliest, channel.quiet, alert.severity, zone, is_over=is_over)
    text = f"{sign} {alert.title}{' – over' if is_over else ''}{body}"
    return Note(name, alert.key, mark, alert.severity, text, now, send_at)


def after_quiet(
    moment: datetime, quiet: QuietHours | None, severity: Severity, zone: tzinfo, *, is_over: bool = False
) -> datetime:
    """Return the first moment at or after `moment` at which people may be disturbed."""
    if quiet is None or (not is_over and ORDER.index(severity) >= ORDER.index(quiet.let_through)):
        return moment
    local = moment.astimezone(zone)
    clock, begins, ends = local.time().replace(tzinfo=None), quiet.from_time, quiet.until_time
    is_quiet = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
    if not is_quiet:
        return moment
    end = local.replace(hour=ends.hour, minute=ends.minute, second=ends.second, microsecond=0)
    if end <= local:
        end += timedelta(days=1)
    return end.astimezone(moment.tzinfo)


def told_together(texts: list[str], longest: int = 3500) -> str:
    """Return several notes as one message; what does not fit is counted."""
    if len(texts) == 1:
        return texts[0][:longest]
    lines, size = [], 0
    for text in texts:
        size += len(text) + 2
        if size > longest:
            break
        lines.append(text)
    rest = len(texts) - len(lines)
    return "\n\n".join(lines) + (f"\n\n… and {rest} more" if rest else "")
