"""Counters of rates, in this process."""

from __future__ import annotations

import threading
import time

from limits.storage import Storage


class Counts(Storage):
    """A window's count a key.

    The library's own storage in memory starts a thread up to a hundred times a second to forget
    what has run out; here a key is forgotten when it is next asked for. There are as many as
    clients.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the first of a window begins it, for `expiry` seconds."""
        now = time.time()
        with self._lock:
            count, ends = self._counts.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
            self._counts[key] = count + amount, ends
            return count + amount

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When its window ends, in seconds since 1970; now, where none runs."""
        return max(self._counts.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        """Forget all; how many there were."""
        with self._lock:
            told = len(self._counts)
            self._counts.clear()
        return told

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)
