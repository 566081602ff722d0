"""What is asked of a miner, and the power that follows from it."""

from math import pow as power_of

from hashbus_simulator.models import MinerModel


class Demand:
    """Limit, mode, frequency, percentage and target of one miner; the lowest of them decides.

    `limit_w` is the power limit, `mode_share` the power mode as a share of the rated power, `freq_share` the
    frequency as a share of the usual one, `percent` the fast percentage (100: none), `target_w` a target below
    the limit (None: none). None of them restarts mining by itself.
    """

    __slots__ = (
        "_percent_at_s",
        "_percent_from",
        "_percent_takes_s",
        "freq_share",
        "limit_w",
        "mode_share",
        "model",
        "percent",
        "target_w",
    )

    def __init__(self, model: MinerModel) -> None:
        self.model = model
        self.forget_percent()
        self.restore()

    def restore(self) -> None:
        """Limit, mode, frequency and target as they come from the factory."""
        self.limit_w = self.model.power_w
        self.mode_share = 1.0
        self.freq_share = 1.0
        self.target_w: float | None = None

    def forget_percent(self) -> None:
        """Back to 100 per cent at once, as after a reboot."""
        self.percent = self._percent_from = 100.0
        self._percent_at_s = self._percent_takes_s = 0.0

    def set_percent(self, percent: float, at_s: float, *, takes_s: float) -> None:
        """Move to a percentage within `takes_s` simulated seconds, from wherever it is now."""
        self._percent_from = self.percent_at(at_s)
        self._percent_at_s = at_s
        self._percent_takes_s = takes_s
        self.percent = percent

    @property
    def percent_reached_s(self) -> float:
        """The moment at which the percentage stops moving."""
        return self._percent_at_s + self._percent_takes_s

    def percent_at(self, at_s: float) -> float:
        """The percentage in force at a moment."""
        if self._percent_takes_s <= 0:
            return self.percent
        share = min(1.0, max(0.0, (at_s - self._percent_at_s) / self._percent_takes_s))
        return self._percent_from + (self.percent - self._percent_from) * share

    def power_w(self, at_s: float) -> float:
        """The power that a tuned miner draws at a moment, in W, within what the model can do."""
        model = self.model
        by_frequency_w = model.power_w * power_of(self.freq_share, 1.0 / model.hash_exponent)
        limit_w = self.limit_w if self.target_w is None else min(self.limit_w, self.target_w)
        asked_w = min(limit_w, model.power_w * self.mode_share, by_frequency_w) * self.percent_at(at_s) / 100.0
        return min(max(asked_w, model.power_w * model.min_power_share), model.power_w * model.max_power_share)

    def hashrate_ths(self, power_w: float) -> float:
        """The hashrate that the boards make out of a power, once tuned."""
        return self.model.hashrate_ths * power_of(power_w / self.model.power_w, self.model.hash_exponent)
