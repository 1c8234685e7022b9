import subprocess
import sys
from importlib.util import find_spec
from multiprocessing import SimpleQueue
from types import SimpleNamespace

import pytest
from airflow.executors.local_executor import LocalExecutor

from weihai import warm_executor
from weihai.airflow_config import EXECUTOR

OWN = {"bench", "connectors", "dags", "expectations", "linkage", "portal", "weihai"}


def test_libraries_and_modules_are_imported_before_workers_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(warm_executor, "import_module", done.append)
    monkeypatch.setattr(warm_executor.kept_modules, "keep", done.extend)
    monkeypatch.setattr(LocalExecutor, "start", lambda _: done.append("workers"))
    warm_executor.WarmExecutor().start()
    assert done == [*warm_executor.LIBRARIES, *warm_executor.OWN, "workers"]


def test_libraries_exist_and_modules_of_our_own_are_told_apart() -> None:
    tops = {name.split(".")[0] for name in warm_executor.LIBRARIES}
    assert not tops & OWN
    assert all(find_spec(top) for top in tops)
    assert {name.split(".")[0] for name in warm_executor.OWN} <= OWN
    module, name = EXECUTOR.rsplit(".", 1)
    assert (module, name) == (warm_executor.__name__, warm_executor.WarmExecutor.__name__)


def test_modules_of_our_own_start_no_polars_when_imported() -> None:
    program = (
        f"import importlib, sys; [importlib.import_module(name) for name in {warm_executor.OWN}];"
        " print('polars' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(("ended", "waits"), [(True, False), (False, True)])
def test_scheduler_waits_only_while_no_task_ends(ended: bool, waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = iter(range(100))
    moments = SimpleNamespace(sleep=slept.append, monotonic=lambda: next(clock) / 10)
    monkeypatch.setattr(warm_executor, "time", moments)
    monkeypatch.setattr(LocalExecutor, "sync", lambda _: None)
    executor = warm_executor.WarmExecutor()
    executor.result_queue = SimpleQueue()
    if ended:
        executor.result_queue.put("a task's end")
    executor.sync()
    assert bool(slept) is waits
