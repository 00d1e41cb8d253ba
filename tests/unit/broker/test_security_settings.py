"""The settings of the connection's security: what belongs together, what files must hold, and what is never shown."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from certificates import Authority, Identity
from pipeline.broker.security import identity, security_arguments
from pipeline.cli import root
from pipeline.errors import SettingsError
from pipeline.settings import CONFIG_ENV, Settings, as_environment, catalogue, load

SASL = {
    "broker.bootstrap": "kafka.example:9093",
    "broker.security_protocol": "SASL_SSL",
    "broker.sasl_user": "wirefuse-dedup",
    "broker.sasl_password": "geheim",
}
TLS = {"broker.bootstrap": "kafka.example:9093", "broker.security_protocol": "SSL"}


def _settings(flags: dict[str, Any]) -> Settings:
    return load(env={CONFIG_ENV: ""}, flags=flags)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Identity:
    return authority.issue("client", password="of the key")


# --- what belongs together ---


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"broker.security_protocol": "SASL_PLAINTEXT"}, "must be one of PLAINTEXT, SSL, SASL_SSL"),
        ({"broker.security_protocol": "SSL"}, "no cluster is named .broker.bootstrap."),
        (
            {"broker.sasl_user": "u"},
            "broker.sasl_user is given, but broker.security_protocol is PLAINTEXT; it needs SA",
        ),
        (TLS | {"broker.sasl_password": "p"}, "broker.sasl_password is given, but .* is SSL; it needs SASL_SSL"),
        ({"broker.tls_ca_file": "ca"}, "tls_ca_file is given, but .* is PLAINTEXT; it needs SSL or SASL_SSL"),
        (SASL | {"broker.sasl_user": ""}, "is SASL_SSL, which needs broker.sasl_user"),
        (SASL | {"broker.sasl_password": ""}, "sasl_user needs a password: broker.sasl_password_file"),
        (SASL | {"broker.sasl_password_file": "f"}, "and broker.sasl_password_file are both given; one must go"),
        (SASL | {"broker.sasl_mechanism": "GSSAPI"}, "must be one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
        (TLS | {"broker.tls_cert_file": "c"}, "tls_cert_file is given without broker.tls_key_file"),
        (TLS | {"broker.tls_key_file": "k"}, "tls_key_file is given without broker.tls_cert_file"),
        (TLS | {"broker.tls_key_password_file": "k"}, "tls_key_password_file is given without broker.tls_key_file"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=f"--set: .*{message}") as raised:
        _settings(flags)
    assert "geheim" not in str(raised.value)


# --- what a client gets ---


def test_plaintext_needs_nothing() -> None:
    assert security_arguments(_settings({"broker.bootstrap": "h:1"})) == {}


def test_a_login_is_sent_over_tls_that_checks_who_is_there() -> None:
    settings = _settings(SASL)
    found = security_arguments(settings)
    context = found.pop("ssl_context")
    assert found == {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "wirefuse-dedup", "sasl_plain_password": "geheim",
    }  # fmt: skip
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert identity(settings) == "User:wirefuse-dedup"


def test_without_the_check_of_the_host_name_the_signature_is_still_checked() -> None:
    context = security_arguments(_settings(TLS | {"broker.tls_check_hostname": False}))["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_REQUIRED)


@pytest.mark.parametrize("text", ["geheim\n", "geheim", "geheim\r\n"])
def test_a_password_is_the_first_line_of_its_file(text: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(text.encode())
    settings = _settings(SASL | {"broker.sasl_password": "", "broker.sasl_password_file": str(file)})
    assert security_arguments(settings)["sasl_plain_password"] == "geheim"
    file.write_text("changed")
    assert security_arguments(settings)["sasl_plain_password"] == "changed", "a new client reads it anew"


def _mtls(authority: Authority, files: Identity, tmp_path: Path, password: str | None) -> dict[str, Any]:
    flags: dict[str, Any] = TLS | {
        "broker.tls_ca_file": str(authority.file),
        "broker.tls_cert_file": str(files.certificate),
        "broker.tls_key_file": str(files.key),
    }
    if password is not None:
        (tmp_path / "key-password").write_text(password)
        flags["broker.tls_key_password_file"] = str(tmp_path / "key-password")
    return flags


def test_a_client_certificate_is_loaded_with_its_ciphered_key(
    authority: Authority, client: Identity, tmp_path: Path
) -> None:
    settings = _settings(_mtls(authority, client, tmp_path, "of the key\n"))
    context = security_arguments(settings)["ssl_context"]
    assert [a["subject"] for a in context.get_ca_certs()] == [((("commonName", "test authority"),),)]
    assert str(client.certificate) in identity(settings)


def test_a_file_that_cannot_be_used_is_named_with_its_setting(
    authority: Authority, client: Identity, tmp_path: Path
) -> None:
    other = authority.issue("other")
    good = _mtls(authority, client, tmp_path, "of the key")
    empty = tmp_path / "empty"
    empty.write_text("")
    cases: list[tuple[dict[str, Any], str]] = [
        (
            good | {"broker.tls_ca_file": str(tmp_path / "nothing")},
            "tls_ca_file: .*nothing cannot be read: No such file",
        ),
        (good | {"broker.tls_ca_file": str(client.key)}, "tls_ca_file: .* holds no certificate"),
        (good | {"broker.tls_cert_file": str(client.key)}, "tls_cert_file: .* holds no certificate"),
        (good | {"broker.tls_key_file": str(client.certificate)}, "tls_key_file: .* holds no private key"),
        (good | {"broker.tls_key_file": str(other.key)}, "tls_key_file: .* is not the key of .*client.pem"),
        (good | {"broker.tls_key_password_file": str(empty)}, "tls_key_password_file: .* is empty"),
        (_mtls(authority, client, tmp_path, None), "tls_key_file: .* needs a password: broker.tls_key_password_file"),
        (_mtls(authority, client, tmp_path, "wrong"), "tls_key_file: .* does not open with broker.tls_key_password"),
        (
            SASL | {"broker.sasl_password": "", "broker.sasl_password_file": str(empty)},
            "sasl_password_file: .* is empty",
        ),
        (SASL | {"broker.sasl_password": "", "broker.sasl_password_file": str(tmp_path)}, "Is a directory"),
    ]
    for flags, message in cases:
        with pytest.raises(SettingsError, match=message):
            security_arguments(_settings(flags))


# --- secrets are not shown ---


def test_a_password_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = {name: info for name, info in catalogue().items() if info.secret == "all"}
    assert set(secrets) == {"broker.sasl_password", "broker.tls_key_password"}
    # Looks like a URL, of which only a part would be masked.
    env = {CONFIG_ENV: ""} | {info.env: f"://geheim-{n}@" for n, info in enumerate(secrets.values())}
    env |= {catalogue()[n].env: v for n, v in SASL.items() if n not in secrets}
    env["WIREFUSE_BROKER_TLS_CERT_FILE"] = env["WIREFUSE_BROKER_TLS_KEY_FILE"] = "some.pem"
    settings = load(env=env)
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        printed = CliRunner().invoke(root, arguments, env=env)
        assert printed.exit_code == 0
        assert "geheim" not in printed.output
        assert "***" in printed.output
    assert "geheim" not in repr(settings)
    assert load(env=as_environment(settings)).broker.sasl_password == "://geheim-0@", "children get it, by environment"


@pytest.mark.parametrize("name", ["broker.sasl_password", "broker.tls_key_password"])
def test_a_password_is_not_taken_from_the_command_line(name: str) -> None:
    result = CliRunner().invoke(root, ["--set", f"{name}=geheim", "config", "show"])
    assert result.exit_code == 2
    assert f"{name}_file" in result.output
    assert "geheim" not in result.output


def test_the_page_of_security_names_every_setting_of_it() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    names = [n for n in catalogue() if n.startswith(("broker.security", "broker.sasl", "broker.tls"))]
    assert len(names) > 5
    assert [n for n in names if f"`{n}`" not in page] == []
