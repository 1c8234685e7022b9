"""A command is the same whether or not the other commands were imported."""

from __future__ import annotations

import pkgutil
from typing import Any

import pytest
import typer.main

from weihai import commands
from weihai.cli import build_app

MODULES = {module.name for module in pkgutil.iter_modules(commands.__path__)}
ALL: dict[str, Any] = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]


def described(command: Any) -> Any:
    """Return a command's parameters, or a group's commands."""
    if hasattr(command, "commands"):
        return {name: described(one) for name, one in command.commands.items()}
    return [(one.name, one.opts) for one in command.params], command.help


@pytest.mark.parametrize("name", sorted(MODULES & ALL.keys()))
def test_a_command_is_whole_when_only_its_module_is_imported(name: str) -> None:
    alone: Any = typer.main.get_command(build_app(name))
    assert described(alone.commands[name]) == described(ALL[name])


@pytest.mark.parametrize("name", [None, "--debug", "up", "no-such-command"])
def test_every_command_is_there_when_no_module_has_the_name(name: str | None) -> None:
    every: Any = typer.main.get_command(build_app(name))
    assert every.commands.keys() == ALL.keys()
