"""Records of which several are made for each article."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def made_often(record: type[T]) -> type[T]:
    """A dataclass with slots that is frozen for the type checker alone.

    To freeze one at run time triples what it costs to make it: a twentieth of what dedup costs.
    """
    return dataclass(slots=True, kw_only=True)(record)
