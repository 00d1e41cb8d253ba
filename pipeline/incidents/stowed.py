"""What is kept of an article only to be shown: its card, its reasons and what it says, compressed together.

Names stand in all three, and the keys of the three are the same for every article: a preset dictionary (RFC 1950, 2.2)
has those keys, so that even a short article comes down to a third. Another zlib may compress to other bytes, but a fold
takes them as they stand in the log.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline import codec
from pipeline.incidents.decision import Card, Features, Kept
from pipeline.incidents.profile import Profile

_KEYS = (
    b'{"copy_kind":"near","jaccard":0.,"contained":0.,"contains":0.,"longest_run":,"credits":[{"agency":"Reuters",'
    b'"place":"dateline"}]}{"kind":"copy","of":"{"kind":"founded","needed":-0.8,"runner_up":{"incident_id":"","score":-'
    b'{"kind":"joined","score":,"closest":"","parts":{"bias":2.22,"text":-,"opening":-,"covered":,"ages":1.67,"ages_differ":-1.2,'
    b'"streets":-0.94,"streets_differ":-3.15,"days":2.02,"days_differ":-0.51,"names":,"places":,"back":1.37,"hours":0.72,'
    b'"hours_differ":-1.15,"tolls_differ":-0.95,"places_differ":-0.81,"persons_differ":-0.45,"leads":-,"leads_differ":'
    b'-0.7,"crowd":},"shared":{"words":["","names":["","places":["","ages":[],"streets":[""],"days":["2"]},"conflicts":{'
    b'"places":[[""],[""]],"persons":[[""],[""]],"tolls":[["1 killed"],["2 wounded"]]},"gap_days":0.0,"needed":-0.8,'
    b'"runner_up":{"incident_id":"","score":-,"closest":"","conflicts":{"days":[["20'
    b'{"provider":"","source":"","title":"","lead":"","published":"2023-03-24T00:00:00Z","precision":"time","language":"en'
    b'","verdict":"new","mentions":[{"text":"","label":"PERSON","count":1,"explains":"","roles":[]},{"text":"","label":"ORG",'
    b'"count":1,"explains":"","roles":[]},{"text":"","label":"GPE","count":2,"explains":"","roles":[]},{"text":"","label":'
    b'"NORP","count":1,"explains":"","roles":[]}],"places":[{"name":"","label":"GPE","here":true},{"name":"","label":null,'
    b'"here":false}],"times":[{"day":"2023-03-2","count":1}]}'
)
_LEVEL = 4
_WEIGHT = np.dtype("<u2")
_WINDOW = -13  # 8 kB, raw: an article's parts are seldom longer

_SHOWN = ("names", "places", "persons", "leads", "ages", "addresses", "days", "clocks", "killed", "wounded")

_said = msgspec.msgpack.Decoder(Features)
_encoder = msgspec.msgpack.Encoder()


def pack(card: bytes, why: bytes, said: bytes) -> bytes:
    """The three in one, compressed."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, 7, zlib.Z_DEFAULT_STRATEGY, _KEYS)
    head = len(card).to_bytes(4, "big") + len(why).to_bytes(4, "big")
    return packer.compress(head + card + why + said) + packer.flush()


def keep(card: Card, why: dict[str, Any], features: Features, profile: Profile) -> Kept:
    """What is remembered of an article.

    Args:
        why: its reasons.
        profile: of its features.
    """
    words, weights = write_vector(features.words, features.weights)
    return Kept(
        words=words,
        weights=weights,
        profile=profile.packed(),
        stowed=pack(codec.encode(card), codec.encode(why), said_of(features)),
        outlet=(card.source or "").casefold(),
    )


def unpack(packed: bytes) -> tuple[bytes, bytes, bytes]:
    """(card, why, said)"""
    data = zlib.decompressobj(_WINDOW, _KEYS).decompress(packed)
    card, why = 8 + int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
    return data[8:card], data[card : card + why], data[card + why :]


def said_of(features: Features) -> bytes:
    """What an article says, as far as reasons show it, for `read_said`."""
    return _encoder.encode({field: said for field in _SHOWN if (said := getattr(features, field))})


def read_said(said: bytes) -> Features:
    return _said.decode(said)


def write_vector(words: Sequence[str], weights: Sequence[int]) -> tuple[str, bytes]:
    """Words and weights of an article as the log has them; no word has a space."""
    return " ".join(words), struct.pack(f"<{len(weights)}H", *weights)


def read_words(words: str) -> list[str]:
    """The words that `write_vector` was given."""
    return words.split(" ") if words else []


def read_weights(weights: bytes) -> npt.NDArray[Any]:
    """The weights that `write_vector` was given."""
    return np.frombuffer(weights, dtype=_WEIGHT)


def pack_vector(words: Sequence[str], weights: Sequence[int] | npt.NDArray[Any]) -> bytes:
    """Words and weights of an article that is not in the index."""
    return zlib.compress(_encoder.encode((words, np.asarray(weights).tolist())), 1)


def unpack_vector(packed: bytes) -> tuple[tuple[str, ...], tuple[int, ...]]:
    words, weights = msgspec.msgpack.decode(zlib.decompress(packed))
    return tuple(words), tuple(weights)
