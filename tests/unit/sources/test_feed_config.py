"""The file of `wirefuse feeds`: what it says, and what is said about its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Producer
from pipeline.sources.feed_config import FeedConfig, FolderConfig, load_sources


def test_all_and_the_least_that_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text(
        """
        [[feed]]
        name = "norr"
        url = "https://norr.example/atom"
        interval_s = 120
        quiet_after_s = 0
        provider = "Norr"
        [[feed]]
        name = "lund"
        url = "http://lund.example/rss"
        [[folder]]
        name = "drop"
        path = "incoming"
        interval_s = 0.5
        quiet_after_s = 600
        [[folder]]
        name = "else"
        path = "/var/spool/wire"
        provider = "Desk"
        """
    )
    sources = load_sources(file, Producer(poll_interval_s=77, quiet_after_s=3600, provider="House"))
    assert sources.feeds == (
        FeedConfig("norr", "https://norr.example/atom", 120.0, "Norr", 0.0),
        FeedConfig("lund", "http://lund.example/rss", 77.0, "lund", 3600.0),
    )
    assert sources.folders == (
        FolderConfig("drop", tmp_path / "incoming", 0.5, "House", 600.0),
        FolderConfig("else", Path("/var/spool/wire"), 77.0, "Desk", 3600.0),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no source"),
        ("[[feed", "not TOML"),
        ("[[feeds]]", "feeds is unknown; did you mean feed?"),
        ("speed = 1", "speed is unknown"),
        ("feed = 3", "write [[feed]]"),
        ('[feed]\nname = "a"', "write [[feed]]"),
        ("[[feed]]", "feed 1: name is missing"),
        ('[[feed]]\nname = "a"', "feed a: url is missing"),
        ('[[feed]]\nname = "a"\nulr = "http://a.example"', "feed a: ulr is unknown; did you mean url?"),
        ('[[feed]]\nname = ""\nurl = "http://a.example"', "name must be text"),
        ('[[feed]]\nname = 1\nurl = "http://a.example"', "name must be text"),
        ('[[feed]]\nname = "a"\nurl = "a.example"', "must begin with http://"),
        ('[[feed]]\nname = "a"\nurl = "file:///etc/passwd"', "must begin with http://"),
        ('[[feed]]\nname = "a"\nurl = "http://a.example"\ninterval_s = "5"', "interval_s must be a number"),
        ('[[feed]]\nname = "a"\nurl = "http://a.example"\ninterval_s = 0', "interval_s must be at least"),
        ('[[feed]]\nname = "a"\nurl = "http://a.example"\ninterval_s = nan', "interval_s must be a number"),
        ('[[folder]]\nname = "a"\npath = "x"\nquiet_after_s = -1', "quiet_after_s must be at least 0"),
        ('[[folder]]\nname = "a"\npath = "x"\nlinks = 1', "links must be true or false"),
        ('[[folder]]\nname = "a"', "folder a: path is missing"),
        ('[[folder]]\nname = "a"\npath = "x"\nurl = "y"', "url is unknown"),
        ('[[feed]]\nname = "a"\nurl = "http://a.example"\n[[folder]]\nname = "a"\npath = "x"', "two sources"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_sources(file, Producer())
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(file))
