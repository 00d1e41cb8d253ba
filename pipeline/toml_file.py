"""Reading a TOML file that a person has written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError


def read_toml(path: Path, shown: str | None = None) -> dict[str, Any]:
    """The tables of a file; some editors put a byte order mark before them.

    Args:
        shown: what the file is called in an error; default: its path.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    name = shown or str(path)
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as e:
        raise SettingsError(f"{name}: cannot be read: {e.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(f"{name}: not TOML: {e}") from None
