from importlib.util import find_spec

import pytest
from airflow.executors.local_executor import LocalExecutor

from weihai import warm_executor
from weihai.airflow_config import EXECUTOR

OWN = {"bench", "connectors", "dags", "expectations", "linkage", "portal", "weihai"}


def test_libraries_are_imported_before_workers_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(warm_executor, "import_module", done.append)
    monkeypatch.setattr(LocalExecutor, "start", lambda _: done.append("workers"))
    warm_executor.WarmExecutor().start()
    assert done == [*warm_executor.LIBRARIES, "workers"]


def test_only_libraries_that_exist_are_kept_warm_and_nothing_of_our_own() -> None:
    tops = {name.split(".")[0] for name in warm_executor.LIBRARIES}
    assert not tops & OWN
    assert all(find_spec(top) for top in tops)
    module, name = EXECUTOR.rsplit(".", 1)
    assert (module, name) == (warm_executor.__name__, warm_executor.WarmExecutor.__name__)
