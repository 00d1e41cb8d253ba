"""Whose log record an effect stands in: what a decision did to *other* articles and to incidents.

A record may leave the log only when nothing that it did still holds. So a forgotten article's record stays as long as
it holds an effect; there are never more of these than there are articles and incidents that effects are about.
"""

from __future__ import annotations

Effect = tuple[str, str]
"""("article", article id) or ("incident", incident id): one register that later decisions may overwrite."""


class Effects:
    """Effects in force by the log key of the record that holds them."""

    def __init__(self) -> None:
        self._by_key: dict[str, dict[Effect, None]] = {}
        self._holder: dict[Effect, str] = {}

    def of(self, key: str) -> list[Effect]:
        """The effects whose newest record has this log key."""
        return list(self._by_key.get(key, ()))

    def holders(self) -> dict[Effect, str]:
        """A copy: the log key that holds each effect."""
        return dict(self._holder)

    def hold(self, effect: Effect, key: str) -> str | None:
        """From now on the record of this key holds the effect; returns a key that holds nothing any more."""
        idle = self.release(effect)
        self._holder[effect] = key
        self._by_key.setdefault(key, {})[effect] = None
        return None if idle == key else idle

    def release(self, effect: Effect) -> str | None:
        """The effect is no longer in force; returns a key that holds nothing any more."""
        key = self._holder.pop(effect, None)
        if key is None:
            return None
        held = self._by_key[key]
        del held[effect]
        if held:
            return None
        del self._by_key[key]
        return key

    def drop(self, key: str) -> None:
        """The record of this key was superseded: what it held is held by others, or no longer holds."""
        for effect in self._by_key.pop(key, ()):
            del self._holder[effect]
