"""The command line as a whole: help, settings, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import COMMANDS


def wirefuse(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        capture_output=True, text=True, cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "HOME": str(cwd)},
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_asked_for_help(command: str, tmp_path: Path) -> None:
    done = wirefuse(command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: wirefuse {command}") or f" {command}" in done.stdout.splitlines()[0]


def test_a_wrong_setting_is_told_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "wirefuse.toml").write_text("[dedup]\nttl_day = 3\n")
    done = wirefuse("config", "show", cwd=tmp_path)
    assert done.returncode == 2
    assert "ttl_day" in done.stderr
    assert "ttl_days" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_without_broker_says_what_to_do(tmp_path: Path) -> None:
    done = wirefuse("topics", "describe", cwd=tmp_path)
    assert done.returncode == 1
    assert "wirefuse broker start" in done.stderr
    assert "Traceback" not in done.stderr
