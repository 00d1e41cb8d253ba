"""docker/Dockerfile, read instruction by instruction; `make image-test` builds and runs it."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import click
from packaging.requirements import Requirement

from pipeline import __version__
from pipeline.cli import root
from pipeline.settings import ENV_PREFIX, load

ROOT = Path(__file__).parents[2]
Instruction = tuple[str, str]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage, what stands before the first FROM included in it."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found: list[list[Instruction]] = [[]]
    for name, _, rest in (line.partition(" ") for line in lines if line.strip()):
        if name == "FROM" and any(n == "FROM" for n, _ in found[-1]):
            found.append([])
        found[-1].append((name, rest.strip()))
    return found


def only(name: str, stage: list[Instruction]) -> str:
    (rest,) = (r for n, r in stage if n == name)
    return rest


BUILD, FINAL = stages()


def test_what_is_installed_is_what_the_locks_say() -> None:
    commands = [c.strip() for n, r in BUILD if n == "RUN" for c in r.split("&&")]
    installs = [c for c in commands if re.search(r"\bpip\b.* install ", c)]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install
    assert "--no-build-isolation" in BUILD[-1][1], "an isolated build fetches setuptools by no lock"


def test_nothing_is_left_out_of_what_is_copied() -> None:
    sources = [s for n, r in BUILD if n == "COPY" for s in r.split()[:-1]]
    ignore = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert ignore[0] == "*"
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert set(sources) == let_in
    assert all((ROOT / source).exists() for source in sources)
    # What the package is built from (pyproject.toml) is among it.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {p.rstrip("*") for p in packages} <= let_in
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= let_in
    assert not [name for name in let_in if fnmatch.fnmatch(name, "*.env*") or "secret" in name]


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", only("USER", FINAL))
    last = [n for n, _ in FINAL].index("USER")
    assert not [r for n, r in FINAL[last:] if n in ("RUN", "COPY", "ADD")], "made by whom?"
    assert not [n for n, _ in [*BUILD, *FINAL] if n == "ADD"]


def test_signals_reach_the_process() -> None:
    assert json.loads(only("ENTRYPOINT", FINAL)) == ["wirefuse"]
    assert only("STOPSIGNAL", FINAL) == "SIGTERM"
    _, _, command = only("HEALTHCHECK", FINAL).partition("CMD ")
    name, *arguments = json.loads(command)
    assert name == "wirefuse"
    _, found, rest = root.resolve_command(click.Context(root), arguments)
    assert found is not None
    found.make_context(name, rest)


def test_state_goes_where_the_volume_is() -> None:
    env = dict(re.findall(r"(\w+)=(\S+)", only("ENV", FINAL)))
    settings = load(env={k: v for k, v in env.items() if k.startswith(ENV_PREFIX)})
    assert str(settings.data_dir) == only("VOLUME", FINAL) == only("WORKDIR", FINAL)
    assert settings.http.host == "127.0.0.1", "who runs the image says whether others may ask it"
    assert settings.log.format == "json"


def test_the_base_is_named_in_full_and_is_a_python_that_the_project_takes() -> None:
    name = dict(r.split("=", 1) for n, r in BUILD if n == "ARG")["PYTHON_IMAGE"]
    version = re.fullmatch(r"docker\.io/library/python:(3\.\d+)-slim-\w+", name)
    assert version is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(version[1])
    assert {r for s in (BUILD, FINAL) for n, r in s if n == "FROM"} == {"${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"}


def test_the_label_says_the_version() -> None:
    arguments = dict(r.split("=", 1) for n, r in FINAL if n == "ARG")
    assert arguments["VERSION"] == __version__
