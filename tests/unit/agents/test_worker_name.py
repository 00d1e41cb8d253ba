"""A worker's name: its lock, its port and its log are files of that name."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agents.app import worker_name
from agents.commands import worker
from pipeline.errors import SettingsError
from pipeline.settings import load

WRONG = ["../up", "a b", ".hidden", "x" * 65]


def test_a_worker_has_the_name_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIREFUSE_WORKER", raising=False)
    assert worker_name("sink") == "sink-0"
    monkeypatch.setenv("WIREFUSE_WORKER", "wirefuse-sink-7d9f4")
    assert worker_name("sink") == "wirefuse-sink-7d9f4"


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_no_file_may_have_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("WIREFUSE_WORKER", name)
    with pytest.raises(SettingsError, match=r"WIREFUSE_WORKER: .* is no name of a process"):
        worker_name("sink")


@pytest.mark.parametrize("name", WRONG)
def test_the_command_refuses_it_before_anything_starts(name: str) -> None:
    result = CliRunner().invoke(worker, ["sink", "--name", name], obj=load(env={}))
    assert result.exit_code == 2
    assert "letters, digits" in result.output
