"""The deployment files as far as they can be judged without an engine: schema, references, hardening, scripts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from connectors.settings import CHECKOUT, Settings
from weihai.container import COMPONENTS, Network, component_environment

DOCKER = CHECKOUT / "docker"
FILES = sorted(DOCKER.glob("compose*.yml"))
SCRIPTS = sorted(DOCKER.rglob("*.sh"))
ROOT_BY_NEED = {"sftp"}
"""sshd changes to the account that logged in."""


def merged(*names: str) -> dict[str, Any]:
    """Services of compose files as Compose merges them, as far as these tests look: mappings and lists add up."""
    services: dict[str, Any] = {}
    for name in names:
        document = yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))
        for service, said in document["services"].items():
            known = services.setdefault(service, {})
            for key, value in said.items():
                if isinstance(value, dict) and isinstance(known.get(key), dict):
                    known[key] = known[key] | value
                elif isinstance(value, list) and isinstance(known.get(key), list):
                    known[key] = [*known[key], *(v for v in value if v not in known[key])]
                else:
                    known[key] = value
    return services


DEPLOYMENTS = [("compose.yml",), *(("compose.yml", f.name) for f in FILES if f.name != "compose.yml")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_compose_file_follows_the_specification(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(PyCompose.from_json(json.dumps(document)).service_names()) == set(document["services"])
    declared = yaml.safe_load((DOCKER / "compose.yml").read_text(encoding="utf-8"))
    for kind in ("secrets", "volumes", "networks"):
        named = set(declared.get(kind) or {}) | set(document.get(kind) or {})
        for name, service in document["services"].items():
            used = {_name(kind, item) for item in service.get(kind, [])} - {None}
            assert used <= named, (name, kind, used - named)


def _name(kind: str, item: Any) -> str | None:
    if isinstance(item, dict):
        return str(item["source"])
    source = str(item).split(":", maxsplit=1)[0]
    return None if kind == "volumes" and source.startswith((".", "/")) else source


@pytest.mark.parametrize("names", DEPLOYMENTS, ids=lambda names: names[-1])
def test_every_service_is_hardened_pinned_and_looked_after(names: tuple[str, ...]) -> None:
    services = merged(*names)
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"\d+\.\d+", tag), (name, service["image"])
        assert "logging" in service, name
        if service.get("restart") != "no":
            assert "healthcheck" in service, name
            assert service["restart"] == "unless-stopped", name
        if name not in ROOT_BY_NEED:
            assert not str(service["user"]).startswith("0"), name
        for dependency in service.get("depends_on", {}):
            assert dependency in services, (name, dependency)
        for key, value in service.get("environment", {}).items():
            is_secret = re.search(r"PASSWORD|SECRET|KEY|DSN|BROKER", key) is not None
            assert not is_secret or str(value).startswith("/run/secrets/"), (name, key)


@pytest.mark.parametrize("names", DEPLOYMENTS, ids=lambda names: names[-1])
def test_files_and_build_contexts_exist_when_compose_names_them(names: tuple[str, ...]) -> None:
    for name, service in merged(*names).items():
        build = service.get("build")
        if build is not None:
            facts = {"context": build} if isinstance(build, str) else build
            context = (DOCKER / facts["context"]).resolve()
            dockerfile = context / facts.get("dockerfile", "Dockerfile")
            assert dockerfile.is_file(), (name, dockerfile)
            for value in facts.get("args", {}).values():
                assert (context / value).is_file(), (name, value)
            for source in re.findall(
                r"^COPY (?:--\S+ )*(.+) \S+$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE
            ):
                assert all((context / part).exists() for part in source.split()), (dockerfile, source)
        for volume in service.get("volumes", []):
            if isinstance(volume, str) and volume.startswith("./") and "keys" not in volume:
                assert (DOCKER / volume.split(":")[0]).exists(), (name, volume)


def test_secrets_are_made_by_the_script_when_compose_needs_them(tmp_path: Path) -> None:
    """The script itself is run: every secret is there, private, and stays the same when it runs again."""
    if shutil.which("openssl") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("openssl or ssh-keygen is not installed")
    script = tmp_path / "docker" / "secrets.sh"
    script.parent.mkdir()
    shutil.copy(DOCKER / "secrets.sh", script)
    told = subprocess.run(["sh", script], check=True, capture_output=True, text=True)
    assert told.stdout.startswith("portal: user weihai, password ")
    folder = script.parent / "secrets"
    needed = {
        Path(secret["file"]).name
        for path in FILES
        for secret in (yaml.safe_load(path.read_text(encoding="utf-8")).get("secrets") or {}).values()
    }
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert needed <= first.keys()
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    assert first["etl_password"].decode() in first["warehouse_dsn"].decode()
    again = subprocess.run(["sh", script], check=True, capture_output=True, text=True)
    assert again.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_wal_file_is_kept_once_and_never_overwritten_when_archived(tmp_path: Path) -> None:
    script = tmp_path / "archive-wal.sh"
    text = (DOCKER / "postgres" / "archive-wal.sh").read_text(encoding="utf-8")
    script.write_text(text.replace("/backup/wal", str(tmp_path / "wal")), encoding="utf-8")
    wal = tmp_path / "000000010000000000000001"
    wal.write_bytes(b"x" * 1000)
    for _ in range(2):
        subprocess.run(["sh", script, wal, wal.name], check=True)
    assert (tmp_path / "wal" / wal.name).read_bytes() == wal.read_bytes()
    wal.write_bytes(b"another")
    assert subprocess.run(["sh", script, wal, wal.name], check=False).returncode != 0
    assert [path.name for path in (tmp_path / "wal").iterdir()] == [wal.name]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.relative_to(DOCKER).as_posix())
def test_script_stops_at_the_first_failure_and_can_be_run(path: Path) -> None:
    assert path.stat().st_mode & 0o111
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "set -eu" in lines
    subprocess.run(["sh", "-n", path], check=True)


@pytest.mark.parametrize("path", sorted(DOCKER.rglob("Dockerfile")), ids=lambda p: p.parent.name)
def test_image_is_pinned_by_version_and_leaves_root_where_it_can(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert all(re.search(r":\d+\.\d+[\w.-]*$", line) for line in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert ":latest" not in text
    if path.parent.name not in ROOT_BY_NEED:
        users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
        assert users
        assert users[-1] not in ("root", "0")


def test_component_runs_as_in_the_home_but_for_who_listens_where(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, warehouse_dsn="postgresql://etl:x@postgres:5432/warehouse")
    network = Network.of({"WEIHAI_EXECUTOR": "CeleryExecutor", "WEIHAI_PUBLIC_URL": "https://host:8444"})
    env = component_environment(
        settings, network, warehouse="postgresql://w", metadata="postgresql://m", inherited={"PATH": "/bin"}
    )
    assert env["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert float(env["AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"]) == 0.25
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
    assert env["AIRFLOW__API__BASE_URL"] == "https://host:8444"
    assert "127.0.0.1" not in "".join(v for k, v in env.items() if k.startswith("AIRFLOW__"))
    assert env["AIRFLOW__CORE__FERNET_KEY"]
    commands = {s["command"] for n in DEPLOYMENTS for s in merged(*n).values() if isinstance(s.get("command"), str)}
    assert commands <= {"init", *COMPONENTS}
