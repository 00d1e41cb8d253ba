"""What `wirefuse doctor` says of the machine's files."""

from __future__ import annotations

from pathlib import Path

from pipeline.doctor.machine import check_disk, check_settings
from pipeline.settings import load


def test_a_file_of_publishers_that_cannot_be_used_fails(tmp_path: Path) -> None:
    file = tmp_path / "publishers.toml"
    settings = load(env={}, flags={"incidents.publishers": str(file)})
    file.write_text('[[publisher]]\nname = "Norr"\noutlets = ["Norr", "Norr am Abend"]\n')
    assert [found.status for found in check_settings(settings)] == ["ok"]
    file.write_text("[[publisher]]\n")
    failed, _ = check_settings(settings)
    assert (failed.check, failed.status) == ("settings", "fail")
    assert str(file) in failed.text
    assert "the incidents stage will not start" in failed.text


def test_a_data_directory_that_is_a_file_fails_as_one(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    settings = load(env={}, flags={"data.dir": str(tmp_path / "data" / "below")})
    (found,) = check_disk(settings)
    assert (found.status, found.text) == ("fail", f"{tmp_path}/data/below cannot be made: {tmp_path}/data is no folder")
