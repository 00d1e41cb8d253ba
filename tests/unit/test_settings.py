"""Settings: three layers, one of them wrong often enough that every mistake must be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import root
from pipeline.errors import SettingsError
from pipeline.settings import CONFIG_ENV, Settings, as_environment, catalogue, load, masked, settings_file


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and environment."""
    monkeypatch.chdir(tmp_path)
    for variable in (CONFIG_ENV, *(info.env for info in catalogue().values()), "WIREFUSE_BROKER"):
        monkeypatch.delenv(variable, raising=False)


def _file(text: str, name: str = "own.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def _cli(*arguments: str) -> Result:
    return CliRunner().invoke(root, arguments)


# --- where values come from ---


def test_without_anything_every_setting_has_its_default() -> None:
    settings = load(env={})
    assert settings.origin == {}
    assert all(info.value(settings) == info.default for info in catalogue().values())


def test_a_flag_is_over_a_variable_is_over_the_file_is_over_the_default() -> None:
    file = _file("[runner]\nbatch_size = 1\nlinger_ms = 1\nmax_attempts = 1\n")
    env = {"WIREFUSE_RUNNER_BATCH_SIZE": "2", "WIREFUSE_RUNNER_LINGER_MS": "2"}
    settings = load(file, env, {"runner.batch_size": "3"})
    runner = settings.runner
    assert (runner.batch_size, runner.linger_ms, runner.max_attempts, runner.retry_attempts) == (3, 2, 1, 8)
    assert settings.origin == {
        "runner.batch_size": "--set",
        "runner.linger_ms": "WIREFUSE_RUNNER_LINGER_MS",
        "runner.max_attempts": "own.toml",
    }


def test_the_file_is_the_named_one_else_the_one_here() -> None:
    assert settings_file(env={}) is None
    _file("[log]\nlevel = 'error'\n", "wirefuse.toml")
    named = _file("[log]\nlevel = 'warning'\n", "named.toml")
    given = _file("[log]\nlevel = 'debug'\n", "given.toml")
    assert load(env={}).log.level == "error"
    assert load(env={CONFIG_ENV: str(named)}).log.level == "warning"
    assert load(given, {CONFIG_ENV: str(named)}).log.level == "debug"
    assert load(env={CONFIG_ENV: ""}).log.level == "info", "named as none"


def test_short_names_of_the_two_most_used_variables() -> None:
    settings = load(env={"WIREFUSE_BROKER": "host:9092", "WIREFUSE_DATA_DIR": "/srv/w"})
    assert (settings.broker.bootstrap, settings.data_dir) == ("host:9092", Path("/srv/w"))


def test_other_variables_are_nobodys_business() -> None:
    assert load(env={"PATH": "/bin", "KAFKA_HOME": "x", "wirefuse_log_level": "debug"}).origin == {}


def test_the_data_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert load(env={}).data_dir == Path("/xdg/wirefuse")
    assert load(env={}).sink_url == "sqlite:////xdg/wirefuse/wirefuse.db"
    assert load(env={"WIREFUSE_DATA_DIR": "~/w"}).data_dir == Path.home() / "w"


# --- mistakes ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[brokr]\nbootstrap = 'x'\n", r"own\.toml: no setting is called \[brokr\]; did you mean \[broker\]\?"),
        ("[broker]\nbootstarp = 'x'\n", r"own\.toml: .* broker\.bootstarp; did you mean broker\.bootstrap\?"),
        ("[broker]\nlevel = 'debug'\n", r"did you mean log\.level\?"),
        ("[broker]\nxyzzyxyzzy = 1\n", r"`wirefuse config show` lists all"),
        ("broker = 'x'\n", r"broker is a section: write \[broker\] above"),
        ("[broker\n", r"own\.toml: not TOML: .*line 1"),
        ("[runner]\nbatch_size = '9'\n", r"own\.toml: runner\.batch_size must be a whole number, not '9'"),
        ("[runner]\nbatch_size = 9.5\n", r"runner\.batch_size must be a whole number, not 9\.5"),
        ("[runner]\nbatch_size = true\n", r"runner\.batch_size must be a whole number, not True"),
        ("[topics]\nprefix = 7\n", r"topics\.prefix must be text, not 7"),
        ("[producer]\nfetch_private = 'yes'\n", r"producer\.fetch_private must be true or false, not 'yes'"),
        ("[sink]\nurl = ['postgresql://u:hunter2@h']\n", r"sink\.url must be text, not \(secret\)"),
    ],
)
def test_a_mistake_in_the_file_is_told(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(_file(text), {})


def test_a_byte_order_mark_before_the_file_is_no_mistake() -> None:
    Path("own.toml").write_bytes(b"\xef\xbb\xbf[runner]\r\nbatch_size = 9\r\n")
    assert load(env={CONFIG_ENV: "own.toml"}).runner.batch_size == 9


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_told(content: bytes | None) -> None:
    if content is not None:
        Path("own.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"own\.toml: (cannot be read: No such file|not TOML)"):
        load(env={CONFIG_ENV: "own.toml"})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("WIREFUSE_BROKERS", "x", r"no setting is called WIREFUSE_BROKERS; did you mean WIREFUSE_BROKER\?"),
        ("WIREFUSE_LOG_LEVEL", "loud", r"WIREFUSE_LOG_LEVEL: log\.level must be one of debug, info, warning, error"),
        ("WIREFUSE_LOG_FORMAT", "xml", r"log\.format must be one of auto, json, human, not 'xml'"),
        ("WIREFUSE_RUNNER_BATCH_SIZE", "", r"must be a whole number, not ''"),
        ("WIREFUSE_RUNNER_BATCH_SIZE", "0", r"must be at least 1, not 0"),
        ("WIREFUSE_RUNNER_BATCH_WAIT_S", "-1", r"must be at least 0, not -1\.0"),
        ("WIREFUSE_RUNNER_WATCHDOG_S", "0", r"must be more than 0"),
        ("WIREFUSE_TOPICS_RAW_RETENTION_DAYS", "inf", r"must be a finite number, not inf"),
        ("WIREFUSE_TOPICS_RAW_RETENTION_DAYS", "1e300", r"must be from 0 to 365000"),
        ("WIREFUSE_HTTP_PORT", "65536", r"must be from 0 to 65535"),
        ("WIREFUSE_TOPICS_MAX_MESSAGE_BYTES", "1000", r"must be from 131072 to 2147483647"),
        ("WIREFUSE_TOPICS_PREFIX", "a b", r"letters, digits, dots"),
        ("WIREFUSE_PRODUCER_EDITION", "1", r"must be below topics\.editions, which is 1"),
    ],
)
def test_a_mistake_in_the_environment_is_told(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(env={variable: value})


@pytest.mark.parametrize(
    ("flag", "code", "message"),
    [
        ("bootstrap=x", 2, "did you mean broker.bootstrap?"),
        ("broker.local_port=many", 2, "--set: broker.local_port must be a whole number, not 'many'"),
        ("broker.local_port", 2, "write NAME=VALUE"),
    ],
)
def test_a_mistake_in_a_flag_is_told(flag: str, code: int, message: str) -> None:
    result = _cli("--set", flag, "config", "show")
    assert result.exit_code != 0
    assert message in result.output + str(result.exception)


def test_a_value_may_hold_an_equals_sign() -> None:
    result = _cli("--set", "sink.url=postgresql://h/d?sslmode=require", "config", "show", "--json")
    assert json.loads(result.stdout)["sink.url"]["value"] == "postgresql://h/d?sslmode=require"


# --- handing settings to a child process ---


def _values() -> st.SearchStrategy[dict[str, Any]]:
    free = {
        "data.dir": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        "broker.local_port": st.integers(0, 65535),
        "runner.batch_size": st.integers(1, 10**9),
        "runner.batch_wait_s": st.floats(0, 1e9),
        "topics.raw_retention_days": st.floats(0, 365_000),
        "producer.fetch_private": st.booleans(),
        "log.level": st.sampled_from(["debug", "info", "warning", "error"]),
        "sink.url": st.sampled_from(["", "postgresql://u:p%40@h/d?a=b"]),
    }
    return st.fixed_dictionaries({}, optional=free)


def _same(a: Settings, b: Settings) -> bool:
    return all(info.value(a) == info.value(b) for info in catalogue().values())


@given(_values())
def test_a_child_has_exactly_the_parents_settings(flags: dict[str, Any]) -> None:
    parent = load(env={CONFIG_ENV: ""}, flags=flags)
    assert _same(load(env=as_environment(parent)), parent)


def test_a_child_reads_no_file_that_its_parent_did_not_read() -> None:
    given = _file("[runner]\nbatch_size = 7\n", "given.toml")
    _file("[runner]\nbatch_size = 8\nlinger_ms = 9\n", "wirefuse.toml")
    parent = load(given, {})
    child = load(env={"WIREFUSE_RUNNER_BATCH_SIZE": "1"} | as_environment(parent))
    assert (child.runner.batch_size, child.runner.linger_ms) == (7, 5)


def test_a_flag_of_the_parent_is_over_an_inherited_short_name() -> None:
    inherited = {"WIREFUSE_BROKER": "old:1"}
    parent = load(env=inherited, flags={"broker.bootstrap": "new:1"})
    assert load(env=inherited | as_environment(parent)).broker.bootstrap == "new:1"


# --- showing them ---


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@/:w@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u@h/d?password=pw&sslmode=require", "postgresql://u@h/d?password=***&sslmode=require"),
        ("sqlite:////srv/a:b@c.db", "sqlite:////srv/a:b@c.db"),
        ("", ""),
    ],
)
def test_a_secret_is_masked(url: str, shown: str) -> None:
    settings = load(env={}, flags={"sink.url": url})
    assert masked(catalogue()["sink.url"], url) == shown
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        printed = _cli("--set", f"sink.url={url}", *arguments).stdout
        assert "pw" not in printed
        assert shown in printed
    assert "pw" not in repr(settings)


def test_show_says_where_each_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREFUSE_BROKER", "host:9092")
    file = _file("[topics]\neditions = 2\n")
    whole = json.loads(_cli("--config", str(file), "--set", "log.level=error", "config", "show", "--json").stdout)
    assert list(whole) == list(catalogue())
    found = {name: (row["value"], row["origin"]) for name, row in whole.items()}
    assert found["broker.bootstrap"] == ("host:9092", "WIREFUSE_BROKER")
    assert found["topics.editions"] == (2, "own.toml")
    assert found["log.level"] == ("error", "--set")
    assert found["runner.batch_size"] == (256, "default")
    lines = _cli("--config", str(file), "config", "show", "--changed").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["broker.bootstrap", '"host:9092"', "WIREFUSE_BROKER"],
        ["topics.editions", "2", "own.toml"],
    ]


def test_path_prints_the_file_in_force() -> None:
    assert isinstance(_cli("config", "path").exception, SettingsError)
    file = _file("")
    assert _cli("--config", str(file), "config", "path").stdout.strip() == str(file.absolute())


def test_the_template_is_a_file_of_all_defaults() -> None:
    template = _cli("config", "template").stdout
    assert load(_file(template), {}).origin == {}, "all of it is commented out"
    known = tuple(f"# {info.name.partition('.')[2]} = " for info in catalogue().values())
    used = "\n".join(line.removeprefix("# ") if line.startswith(known) else line for line in template.splitlines())
    settings = load(_file(used), {})
    assert set(settings.origin) == set(catalogue())
    assert _same(settings, load(env={}))


def test_every_setting_is_explained() -> None:
    for info in catalogue().values():
        assert info.help
        assert info.type in (str, int, float, bool), info.name
        assert isinstance(info.default, info.type), info.name
