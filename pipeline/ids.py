"""Identities: functions of content alone, never of offsets, workers, partitions or the wall clock."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

# 128 bits: the chance of one collision among 10^9 articles is below 10^-20.
_DIGEST_SIZE = 16
_LENGTH = Struct(">Q").pack


def _told(*parts: str) -> bytes:
    """Length-prefixed parts, so that ("ab", "c") and ("a", "bc") differ.

    Lone surrogates cannot reach this point: every decoder refuses them.
    """
    told = b""
    for part in parts:
        data = part.encode()
        told += _LENGTH(len(data)) + data
    return told


def _digest(told: bytes) -> str:
    return blake2b(told, digest_size=_DIGEST_SIZE).hexdigest()


_ARTICLE, _CONTENT, _NONE = _told("article"), _told("content"), _told("\x00")


def article_id(provider: str, native_id: str) -> str:
    """The id of an article: 32 hex digits from its wire and the wire's own id for it."""
    return _digest(_ARTICLE + _told(provider, native_id))


def incident_id(edition: int, founding_article_id: str) -> str:
    """The id of an incident: 32 hex digits from its edition and the article that founded it."""
    return _digest(_told("incident", str(edition), founding_article_id))


def entity_id(identity_class: str, name: str) -> str:
    """The id of a named thing: 32 hex digits from what kind of thing it is and its normalised canonical name."""
    return _digest(_told("entity", identity_class, name))


def word_id(*parts: str) -> str:
    """The id of an editor's word: 16 hex digits, which a person may have to type, from all that it says."""
    return _digest(_told("word", *parts))[:16]


def content_hash(*parts: str | None) -> str:
    """Fingerprint of an article version's content; None and "" differ."""
    told = [_CONTENT]
    for part in parts:
        if part is None:
            told.append(_NONE)
        else:
            data = part.encode()
            told += (_LENGTH(1 + len(data)), b"+", data)
    return _digest(b"".join(told))
