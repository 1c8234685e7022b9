"""The `weihai` command."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Annotated

import psycopg
import typer

from connectors.errors import UserError
from weihai import commands

EXIT_BROKEN = 1
EXIT_USAGE = 2


def build_app(wanted: str | None = None) -> typer.Typer:
    """Assemble the command line from the modules of `weihai/commands`.

    Args:
        wanted: the command that is to be run; where a module has its name, the others are not imported.
    """
    app = typer.Typer(
        name="weihai",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="威海市数据仓库：接收部门数据，建基础库与主题库，评定 49 项指标。",
    )

    @app.callback()
    def _options(
        debug: Annotated[bool, typer.Option("--debug", help="出错时显示完整的程序调用过程。")] = False,
    ) -> None:
        del debug

    modules = sorted(m.name for m in pkgutil.iter_modules(commands.__path__))
    for module in [wanted] if wanted in modules else modules:
        importlib.import_module(f"weihai.commands.{module}").register(app)
    return app


def main() -> None:
    """Run the command line; a user's error is one sentence and exit code 2."""
    debug = "--debug" in sys.argv
    try:
        build_app(next(iter(sys.argv[1:]), None))()
    except UserError as error:
        if debug:
            raise
        print(f"错误：{error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except psycopg.OperationalError:
        if debug:
            raise
        print(
            "错误：连不上数据库：运行 `weihai up` 启动，或检查 WAREHOUSE_DSN；`weihai status` 可查看", file=sys.stderr
        )
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(130)
