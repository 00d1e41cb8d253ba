"""Kafka's jars: fetched from a repository, checked, kept, and mended. The repository is a real one, on loopback."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.broker import jars
from pipeline.broker.errors import BrokerError
from pipeline.broker.jars import Jar, install

CONTENTS = {name: name.encode() * 5000 for name in ("alpha", "beta", "gamma")}


def _jar(name: str) -> Jar:
    return Jar("org.example", name, "1.0", hashlib.sha256(CONTENTS[name]).hexdigest())


JARS = [_jar(name) for name in CONTENTS]


class Repository:
    """A Maven repository that serves CONTENTS and can be made to misbehave.

    Attributes:
        asked: paths of the jars asked for, in order.
        answers: file name -> (status, body), served once each, in place of the right answer.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[1]
                right = {jar.path: CONTENTS[jar.artifact] for jar in JARS}.get(self.path.lstrip("/"))
                status, body = (404, b"") if right is None else (200, right)
                if name.endswith(".jar"):
                    repository.asked.append(self.path.lstrip("/"))
                if repository.answers.get(name):
                    status, body = repository.answers[name].pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(right or b"") if status == 200 else len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.urls = {"test": f"http://127.0.0.1:{self.server.server_address[1]}"}


@pytest.fixture
def repository() -> Iterator[Repository]:
    repository = Repository()
    thread = threading.Thread(target=repository.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield repository
    repository.server.shutdown()
    thread.join()
    repository.server.server_close()


def _files(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir() if p.name != ".lock")


def test_the_committed_list_is_whole() -> None:
    listed = jars.manifest()
    names = {jar.artifact: jar.version for jar in listed}
    assert names["kafka_2.13"] == names["kafka-clients"] == jars.KAFKA_VERSION
    assert names["log4j-slf4j-impl"] == names["log4j-core"], "without the binding the broker logs nothing"
    assert len({jar.file_name for jar in listed}) == len(listed), "they lie in one directory"
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in listed)
    lines = jars.MANIFEST.read_text().splitlines()
    assert lines == [f"{jar.sha256}  {jar.path}" for jar in listed]


def test_every_jar_arrives_and_is_told(repository: Repository, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    paths = install(
        tmp_path / "libs", lambda done, total, _: told.append((done, total)), jars=JARS, repositories=repository.urls
    )
    assert [p.read_bytes() for p in paths] == list(CONTENTS.values())
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert _files(tmp_path / "libs") == sorted(jar.file_name for jar in JARS)


def test_a_second_call_asks_nobody(repository: Repository, tmp_path: Path) -> None:
    install(tmp_path, jars=JARS, repositories=repository.urls)
    repository.asked.clear()
    install(tmp_path, jars=JARS, repositories=repository.urls)
    assert repository.asked == []


def test_what_was_complete_is_kept_and_what_is_damaged_is_fetched_again(repository: Repository, tmp_path: Path) -> None:
    alpha, beta, gamma = (tmp_path / jar.file_name for jar in JARS)
    install(tmp_path, jars=JARS, repositories=repository.urls)
    repository.asked.clear()
    beta.write_bytes(CONTENTS["beta"][:-1])
    gamma.unlink()
    install(tmp_path, jars=JARS, repositories=repository.urls)
    assert sorted(repository.asked) == [JARS[1].path, JARS[2].path]
    assert [p.read_bytes() for p in (alpha, beta, gamma)] == list(CONTENTS.values())


def test_another_file_than_listed_is_an_error_and_is_not_kept(repository: Repository, tmp_path: Path) -> None:
    forged = CONTENTS["beta"][::-1]
    repository.answers["beta-1.0.jar"] = [(200, forged)] * 9
    with pytest.raises(
        BrokerError, match=r"beta-1\.0\.jar is not the file .* SHA-256 " + hashlib.sha256(forged).hexdigest()
    ):
        install(tmp_path, jars=JARS, repositories=repository.urls)
    assert not (tmp_path / "beta-1.0.jar").exists()


@pytest.mark.parametrize("answer", [(503, b""), (200, CONTENTS["beta"][:100])], ids=["unavailable", "cut off"])
def test_a_passing_fault_is_tried_again(repository: Repository, tmp_path: Path, answer: tuple[int, bytes]) -> None:
    repository.answers["beta-1.0.jar"] = [answer]
    install(tmp_path, jars=JARS, repositories=repository.urls)
    assert (tmp_path / "beta-1.0.jar").read_bytes() == CONTENTS["beta"]


def test_a_lasting_fault_says_what_to_do_and_keeps_the_rest(repository: Repository, tmp_path: Path) -> None:
    repository.answers["gamma-1.0.jar"] = [(503, b"")] * 9
    with pytest.raises(BrokerError, match=r"gamma-1\.0\.jar could not be downloaded in 3 attempts") as error:
        install(tmp_path, jars=JARS, repositories=repository.urls)
    assert "://" not in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert _files(tmp_path) == ["alpha-1.0.jar", "beta-1.0.jar"]


def test_two_processes_share_one_download(repository: Repository, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(install, tmp_path, jars=JARS, repositories=repository.urls) for _ in range(2)]
        assert both[0].result() == both[1].result()
    assert sorted(repository.asked) == sorted(jar.path for jar in JARS), "the second waited for the first"
