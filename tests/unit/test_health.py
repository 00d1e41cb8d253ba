"""The HTTP side of a process, over a real socket."""

from __future__ import annotations

import json
import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pipeline import health
from pipeline.errors import FatalError
from pipeline.health import HealthServer, address_file, target_file
from pipeline.metrics import DEFINITIONS, PREFIX, Metrics
from pipeline.settings import Settings, load


def made(tmp_path: Path, **flags: object) -> Settings:
    return load(env={}, flags={"data.dir": str(tmp_path)} | flags)


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{server.host}:{server.port}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_probes_say_what_is_wrong(tmp_path: Path) -> None:
    problem: list[str | None] = ["restoring state"]
    with HealthServer(made(tmp_path), "dedup-0", Metrics(), lambda: problem[0], lambda: None) as server:
        assert get(server, "/readyz") == (503, "restoring state\n")
        problem[0] = None
        assert get(server, "/readyz") == (200, "ok\n")
        assert get(server, "/livez") == (200, "ok\n")
        assert get(server, "/elsewhere")[0] == 404


def test_every_metric_is_there_under_its_documented_name(tmp_path: Path) -> None:
    with HealthServer(made(tmp_path), "dedup-0", Metrics(), lambda: None, lambda: None) as server:
        _, text = get(server, "/metrics")
    for d in DEFINITIONS:
        name = PREFIX + d.name
        assert f"# TYPE {name} {d.kind}" in text
        assert f"# HELP {name} {d.help}" in text


def test_a_process_says_where_it_serves_while_it_does(tmp_path: Path) -> None:
    settings = made(tmp_path)
    file = address_file(settings, "sink-0")
    with HealthServer(settings, "sink-0", Metrics(), lambda: None, lambda: None) as server:
        said = json.loads(file.read_bytes())
        assert said == {"host": "127.0.0.1", "port": server.port, "pid": os.getpid()}
    assert not file.exists()


def test_a_process_is_a_target_of_prometheus_under_its_name(tmp_path: Path) -> None:
    settings = made(tmp_path)
    file = target_file(settings, "sink-0")
    with HealthServer(settings, "sink-0", Metrics(), lambda: None, lambda: None) as server:
        target = {"targets": [f"127.0.0.1:{server.port}"], "labels": {"instance": "sink-0"}}
        assert [json.loads(f.read_bytes()) for f in file.parent.iterdir()] == [[target]]
    assert not file.exists()


def test_a_process_that_listens_everywhere_is_a_target_by_its_host_name(tmp_path: Path) -> None:
    settings = made(tmp_path, **{"http.host": "0.0.0.0"})
    with HealthServer(settings, "sink-0", Metrics(), lambda: None, lambda: None) as server:
        (target,) = json.loads(target_file(settings, "sink-0").read_bytes())
    assert target["targets"] == [f"{socket.gethostname()}:{server.port}"]


def test_closing_one_that_never_started_returns(tmp_path: Path) -> None:
    HealthServer(made(tmp_path), "x", Metrics(), lambda: None, lambda: None).close()


def test_a_taken_port_is_an_error_that_says_so(tmp_path: Path) -> None:
    with HealthServer(made(tmp_path), "a", Metrics(), lambda: None, lambda: None) as server:
        settings = made(tmp_path, **{"http.port": server.port})
        with pytest.raises(FatalError, match=rf"{server.port}.*http\.port"):
            HealthServer(settings, "b", Metrics(), lambda: None, lambda: None)


def test_who_connects_and_says_nothing_keeps_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert health._Quiet.timeout is not None
    with HealthServer(made(tmp_path), "dedup-0", Metrics(), lambda: None, lambda: None) as server:
        with monkeypatch.context() as patch:
            patch.setattr(health._Quiet, "timeout", 0.1)
            for said in (b"", b"GET /livez", b"GET /livez HTTP/1.1\r\nHost: x\r\n"):
                with socket.create_connection((server.host, server.port), timeout=240.0) as client:
                    try:
                        client.sendall(said)
                        answer = client.recv(100)
                    except ConnectionError:
                        answer = b""  # it did so before all was said
                    assert answer == b"", "it hangs up"
        assert get(server, "/livez") == (200, "ok\n")
    assert "Traceback" not in capfd.readouterr().err
