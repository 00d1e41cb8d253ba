"""Makes the committed dashboards: `python deploy/grafana/generate.py [FOLDER]`."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from boards.parts import BOARDS  # noqa: E402  # found by the line above

FOLDER = HERE / "dashboards"


def made() -> dict[str, str]:
    """File name -> JSON of each dashboard."""
    found = {}
    for name in BOARDS:
        board = json.loads(json.dumps(import_module(f"boards.{name}").build().build(), cls=JSONEncoder))
        board["id"] = None  # Grafana gives it one; any other would take over another dashboard
        for number, panel in enumerate(board["panels"], start=1):
            panel["id"] = number
        found[f"{name}.json"] = json.dumps(board, indent=1, sort_keys=True) + "\n"
    return found


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
