"""`wirefuse up` and the demo have their data directory for themselves, and say how to publish."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agents import demo, up
from pipeline.claim import claim
from pipeline.errors import FatalError, WirefuseError
from pipeline.settings import load


def test_a_second_up_ends_at_once_and_says_which_folder_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "data of [mine]"
    settings = load(env={}, flags={"data.dir": str(folder)})
    with claim(settings.state_dir / "up.lock", "never said"):
        command = [sys.executable, "-m", "pipeline.cli", "--set", f"data.dir={folder}", "up"]
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"`wirefuse up` runs already with {folder}" in second.stderr
        assert not (folder / "broker").exists()
    claim(settings.state_dir / "up.lock", "free again").close()


def test_a_data_directory_that_cannot_be_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match=r"the folder .*/file/run cannot be used: Not a directory"):
        claim(tmp_path / "file" / "run" / "up.lock", "never said")


def test_what_it_says_to_publish_with_works_in_another_terminal(tmp_path: Path) -> None:
    plain = load(env={}, flags={})
    assert up.publish_command(plain) == "wirefuse publish PATH"
    folder = tmp_path / "a b"
    own = load(env={"WIREFUSE_BROKER": "kafka:9092", "WIREFUSE_DATA_DIR": str(folder)})
    words = shlex.split(up.publish_command(own))
    assert words[:1] + words[-2:] == ["wirefuse", "publish", "PATH"]
    flags = dict(word.split("=", 1) for word in words[2:-2:2])
    again = load(env={}, flags=flags)
    assert (again.data_dir, again.broker.bootstrap) == (own.data_dir, own.broker.bootstrap)


def test_a_demo_empties_its_folder_but_not_under_another_demo(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo.emptied(folder):
        (folder / "logs").mkdir()
        (folder / "wirefuse.db").touch()
        with pytest.raises(FatalError, match="another demo runs in"), demo.emptied(folder):
            pass
        assert (folder / "wirefuse.db").exists()
    with demo.emptied(folder):
        assert [path.name for path in folder.iterdir()] == [".wirefuse-demo"]


def test_a_demo_leaves_a_folder_that_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(WirefuseError, match="holds something that is no demo"), demo.emptied(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").exists()
