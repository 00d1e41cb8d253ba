"""`wirefuse feeds` before it talks to a broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.claim import claim
from pipeline.errors import FatalError
from pipeline.settings import load
from pipeline.sources.commands import feeds


def run(tmp_path: Path, *arguments: str) -> Result:
    file = tmp_path / "feeds.toml"
    file.write_text('[[folder]]\nname = "drop"\npath = "in"\n')
    flags = {"data.dir": str(tmp_path / "data"), "broker.bootstrap": "127.0.0.1:1"}
    return CliRunner().invoke(feeds, [str(file), *arguments], obj=load(env={}, flags=flags))


@pytest.mark.parametrize("name", ["feeds", "feeds-2"])
def test_a_second_process_of_one_name_is_refused_before_it_takes_the_place_of_the_first(
    tmp_path: Path, name: str
) -> None:
    with claim(tmp_path / "data" / "run" / f"{name}.lock", ""):
        result = run(tmp_path, "--name", name)
    assert isinstance(result.exception, FatalError)
    assert str(result.exception) == f"{name} runs already with this data directory; give this one another --name"
    assert not (tmp_path / "data" / "run" / f"{name}.json").exists()


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 65])
def test_a_name_must_be_one_that_a_file_may_have(tmp_path: Path, name: str) -> None:
    result = run(tmp_path, "--name", name)
    assert result.exit_code == 2
    assert "64 at most" in result.output
