"""Who may change a miner with VNish: tokens for a password, keys for programs, and a lock after wrong passwords."""

from collections.abc import Callable

from hashbus_simulator.vnish_settings import VnishBlock

BEARER = "Bearer "


class Locksmith:
    """Gives out tokens, and counts wrong passwords; times in simulated seconds."""

    def __init__(self, block: VnishBlock, clock: Callable[[], float], seed: int) -> None:
        self._block = block
        self._clock = clock
        self._seed = seed
        self._tokens: dict[str, float] = {}
        self._made = 0
        self._wrong = 0
        self._locked_until_s = 0.0

    @property
    def locked_s(self) -> int | None:
        """For how long nobody is let in; None when the door can be tried."""
        left_s = self._locked_until_s - self._clock()
        return int(left_s) + 1 if left_s > 0 else None

    def unlock(self, password: object) -> str | None:
        """A token for the right password; a wrong one is counted."""
        if password != self._block.password.get_secret_value():
            self._wrong += 1
            if self._wrong >= self._block.tries:
                self._wrong = 0
                self._locked_until_s = self._clock() + self._block.lock_s
            return None
        self._wrong = 0
        self._made += 1
        token = f"jwt.{self._seed:08x}.{self._made:08x}"
        self._tokens[token] = self._clock() + self._block.session_s
        return token

    def knows(self, authorization: str, api_key: str) -> bool:
        """Whether one of the two headers opens."""
        key = self._block.api_key
        if key is not None and api_key and api_key == key.get_secret_value():
            return True
        token = authorization.removeprefix(BEARER)
        return authorization.startswith(BEARER) and self._tokens.get(token, 0.0) > self._clock()

    def forget(self) -> None:
        """A reboot ends all sessions."""
        self._tokens.clear()
