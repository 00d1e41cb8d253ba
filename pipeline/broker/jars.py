"""Gets Kafka's jars, once per user, and checks each against the committed list.

The list `kafka-4.3.0.sha256` holds the SHA-256 and the repository path of every jar on the broker's class path: Kafka,
its runtime dependencies, and the binding that sends its log messages to log4j2. It was resolved once
(`python -m pipeline.broker.jars` makes it again for another KAFKA_VERSION); an install downloads exactly these files
and resolves nothing, so the same version always runs the same bytes.

To install without a network, put the files of the list into `libs_dir()` by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.broker.errors import BrokerError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.0"
MANIFEST = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.sha256")

Progress = Callable[[int, int, str], None]
"""Called with (jars there, jars in all, name of the last one)."""

_ATTEMPTS = 3
_PAUSE_S = 0.5
_CONNECTIONS = 4
_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One file of the class path.

    Attributes:
        group, artifact, version: its Maven coordinates.
        sha256: hex digest of its content.
    """

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Its path in a Maven repository."""
        return "/".join((*self.group.split("."), self.artifact, self.version, self.file_name))


def manifest(file: Path = MANIFEST) -> list[Jar]:
    """The jars of the class path, in the order of the list."""
    jars = []
    for line in file.read_text("ascii").splitlines():
        sha256, path = line.split()
        *group, artifact, version, _ = path.split("/")
        jars.append(Jar(".".join(group), artifact, version, sha256))
    return jars


def libs_dir() -> Path:
    """Where the jars are kept, shared by all data directories: `$XDG_CACHE_HOME/wirefuse/kafka/VERSION/libs`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wirefuse" / "kafka" / KAFKA_VERSION / "libs"


def install(
    directory: Path | None = None,
    progress: Progress | None = None,
    *,
    jars: Sequence[Jar] | None = None,
    repositories: dict[str, str] | None = None,
) -> list[Path]:
    """Make sure that every jar is there and intact; download what is not.

    Safe against other processes that do the same, and against being interrupted: a jar appears under its name only
    when it is complete and checked, so a second call goes on where the first stopped.

    Args:
        directory: where to keep them; default `libs_dir()`.
        progress: called after each jar that was downloaded.
        jars: what to install; default `manifest()`.
        repositories: name -> URL of the Maven repositories to ask; default Maven Central.

    Returns:
        The jars' paths: the class path.

    Raises:
        BrokerError: a download failed, or a downloaded file is not the one that the list promises.
    """
    directory = libs_dir() if directory is None else directory
    jars = manifest() if jars is None else jars
    paths = [directory / jar.file_name for jar in jars]
    if all(_intact(jar, directory) for jar in jars):
        return paths
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory):
            _download_missing(jars, directory, progress, repositories)
    except OSError as e:
        raise BrokerError(f"Kafka's jars cannot be kept in {directory}: {e.strerror or e}") from e
    return paths


def _intact(jar: Jar, directory: Path) -> bool:
    try:
        return _sha256(directory / jar.file_name) == jar.sha256
    except FileNotFoundError:
        return False


def _sha256(file: Path) -> str:
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download_missing(
    jars: Sequence[Jar], directory: Path, progress: Progress | None, repositories: dict[str, str] | None
) -> None:
    missing = [jar for jar in jars if not _intact(jar, directory)]
    done = len(jars) - len(missing)
    # On the same file system as the target, so that the last step is a rename.
    with (
        tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as scratch,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        tasks = [pool.submit(_download, jar, directory, Path(scratch), repositories) for jar in missing]
        try:
            for task in as_completed(tasks):
                jar = task.result()
                done += 1
                if progress is not None:
                    progress(done, len(jars), jar.file_name)
        finally:
            pool.shutdown(cancel_futures=True)


def _download(jar: Jar, directory: Path, scratch: Path, repositories: dict[str, str] | None) -> Jar:
    import requests  # what jgo downloads with, and raises

    failure = ""
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE_S * attempt)
        context = _context(scratch / f"{jar.file_name}.{attempt}", repositories)
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            file = Path(artifact.resolve())
        except (requests.RequestException, RuntimeError) as e:  # RuntimeError: any HTTP status but 200
            failure = f"{type(e).__name__}: {_without_urls(str(e))}"
            continue
        found = _sha256(file)
        if found != jar.sha256:
            raise BrokerError(
                f"{jar.file_name} is not the file that {MANIFEST.name} lists: SHA-256 {found} instead of {jar.sha256}. "
                "Something on the way changed it; nothing of it was kept."
            )
        file.replace(directory / jar.file_name)
        return jar
    raise BrokerError(
        f"{jar.file_name} could not be downloaded in {_ATTEMPTS} attempts ({failure}). Run the same command again "
        f"when the network is back: what is complete is kept. Without a network, put the file into {directory}."
    )


def _without_urls(text: str) -> str:
    return " ".join(word for word in text.split() if "://" not in word)[:300]


def _context(cache: Path, repositories: dict[str, str] | None = None) -> MavenContext:
    from jgo.maven import MavenContext, PythonResolver

    return MavenContext(repo_cache=cache, remote_repos=repositories, resolver=PythonResolver(), timeout=_TIMEOUT_S)


def resolve(cache: Path) -> list[Jar]:
    """Resolve the class path from the project descriptions and download it: how the committed list is made.

    Args:
        cache: a Maven repository directory to fill.
    """
    from jgo.maven import Model

    context = _context(cache)
    component = context.project("org.apache.kafka", "kafka_2.13").at_version(KAFKA_VERSION)
    dependencies: list[Any] = [
        d for d in Model(component.pom(), context).dependencies()[0] if d.scope in ("compile", "runtime")
    ]
    log4j = next(d.version for d in dependencies if d.artifactId == "log4j-core")
    # Kafka logs through slf4j 1.7 and leaves the binding to its distribution; without one it logs nothing.
    binding = context.project("org.apache.logging.log4j", "log4j-slf4j-impl").at_version(log4j)
    artifacts = [component.artifact(), binding.artifact(), *(d.artifact for d in dependencies)]
    jars = [Jar(a.groupId, a.artifactId, a.version, _sha256(Path(a.resolve()))) for a in artifacts]
    return sorted(jars, key=lambda jar: jar.path)


def _main() -> None:
    cache = Path(tempfile.mkdtemp(prefix="kafka-jars-"))
    try:
        lines = [f"{jar.sha256}  {jar.path}\n" for jar in resolve(cache)]
    finally:
        shutil.rmtree(cache)
    MANIFEST.write_text("".join(lines), "ascii")
    print(f"{MANIFEST}: {len(lines)} jars", file=sys.stderr)


if __name__ == "__main__":
    _main()
