"""Build `.venv` from `requirements.lock`; run by the Makefile with a Python of the tested range, before any package is.

Only the standard library is used. uv is installed first and does the rest in seconds; pip takes over where uv cannot
reach an index. A mirror configured for pip is passed on to uv at run time and written nowhere.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".complete"
LOG = VENV / "bootstrap.log"
UV = "uv==0.13.9"
_RARELY_IMPORTED = r"/(tests?|testing|example_dags|migrations|pip|setuptools|mypyc?|sqlfluff|libcst|networkx|lexers)/"
OLDEST, NEWEST = (3, 11), (3, 13)

_UV_NAMES: Mapping[str, tuple[str, str]] = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
}
"""pip's setting → uv's variable and what separates its values."""


class BootstrapError(Exception):
    """One sentence for the person at the keyboard."""


def main() -> None:
    """Build the environment unless it is already the wanted one."""
    try:
        wanted = fingerprint()
        if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted and _works():
            return
        build(wanted)
    except BootstrapError as error:
        sys.exit(f"错误：{error}")


def fingerprint() -> str:
    """Return what the environment follows from: lock file, project file, place and Python version."""
    digest = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    digest.update(f"{ROOT} {sys.version_info[:2]}".encode())
    return digest.hexdigest()


def build(wanted: str) -> None:
    """Build the environment from scratch or bring it up to date; killed at any point, it starts again."""
    check_version(sys.version_info[:2])
    STAMP.unlink(missing_ok=True)
    if not _works() or _minor_version() != sys.version_info[:2]:
        with step(f"建立 .venv（Python {sys.version.split()[0]}）"):
            shutil.rmtree(VENV, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(VENV)])
    LOG.write_text("", encoding="utf-8")
    with step("安装 requirements.lock 中的软件包"):
        install()
    with step("编译字节码"):
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        # a few packages ship templates and test files that are no Python of this version: no reason to stop
        command = [python(), "-m", "compileall", "-q", "-j", "0", "-x", _RARELY_IMPORTED, str(VENV / "lib")]
        _run(command, environment, may_fail=True)
    STAMP.write_text(wanted, encoding="utf-8")


def check_version(version: tuple[int, int]) -> None:
    """Refuse a Python outside the tested range."""
    if not OLDEST <= version <= NEWEST:
        raise BootstrapError(
            f"需要 Python {_text(OLDEST)}–{_text(NEWEST)}，这里是 {_text(version)}：用 `make PYTHON=…` 指定另一个"
        )


def install() -> None:
    """Install the locked packages and the project itself (editable)."""
    pip = [python(), "-m", "pip", "--disable-pip-version-check"]
    project = ["--no-build-isolation", "--no-deps", "--editable", str(ROOT)]
    if _run([*pip, "install", "--quiet", UV], may_fail=True):
        uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", python()]
        environment = {**os.environ, **uv_environment(pip_settings(_output([*pip, "config", "list"])))}
        if _run([*uv, "--no-deps", "--requirements", str(LOCK)], environment, may_fail=True):
            _run([*uv, *project], environment)
            return
    _run([*pip, "install", "--quiet", "--no-deps", "--no-compile", "--requirement", str(LOCK)])
    _run([*pip, "install", "--quiet", *project])


def pip_settings(listing: str) -> dict[str, list[str]]:
    """Read the output of `pip config list` (lines such as `global.index-url='…'`); the environment wins over files."""
    found: dict[str, tuple[int, list[str]]] = {}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        section, _, name = key.rpartition(".")
        rank = {"global": 1, "install": 2, ":env:": 3}.get(section)
        if not separator or rank is None or rank < found.get(name, (0, []))[0]:
            continue
        found[name] = (rank, str(ast.literal_eval(value)).split())
    return {name: values for name, (_, values) in found.items()}


def uv_environment(settings: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the variables that make uv look where pip looks."""
    found = {
        variable: separator.join(settings[name])
        for name, (variable, separator) in _UV_NAMES.items()
        if settings.get(name)
    }
    if settings.get("no-index", [""])[0].lower() in ("1", "true", "yes", "on"):
        found["UV_NO_INDEX"] = "1"
    # pip takes the best version of all its indexes, uv by default that of the first one
    return found | {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def python() -> str:
    """Return the interpreter of the environment."""
    return str(VENV / "bin" / "python")


@contextmanager
def step(title: str, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Show one line with the time the step took."""
    started = clock()
    print(f"… {title}", end="\r", flush=True) if sys.stdout.isatty() else None
    yield
    print(f"✓ {title}  {clock() - started:.1f} 秒", flush=True)


def _works() -> bool:
    return Path(python()).exists() and subprocess.run([python(), "-c", ""], check=False).returncode == 0


def _minor_version() -> tuple[int, int]:
    major, minor = _output([python(), "-c", "import sys; print(*sys.version_info[:2])"]).split()
    return int(major), int(minor)


def _run(command: list[str], environment: Mapping[str, str] | None = None, *, may_fail: bool = False) -> bool:
    """Run a command, its output into the log; the log can name an index with its password, so it stays private."""
    VENV.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        LOG.chmod(0o600)
        done = subprocess.run(command, check=False, env=environment, cwd=ROOT, stdout=log, stderr=log).returncode == 0
    if not done and not may_fail:
        raise BootstrapError(f"环境没有建成，原因见 {LOG} 末尾；改正后再运行一次 make 即可")
    return done


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


if __name__ == "__main__":
    main()
