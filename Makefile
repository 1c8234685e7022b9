# 常用命令见 `make help`。状态都在 WEIHAI_HOME（默认 var/），环境在 .venv。
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help environment run serve stop docs test soak test-browser bench lint lock clean

BIN := .venv/bin
# test files that run side by side
WORKERS := 2
OLDEST := 3.11
NEWEST := 3.13
# a Python counts when it lies in the tested range and can make environments
FITS := import sys, venv, ensurepip; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))

help: ## 列出命令
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

environment: ## 建立或更新 .venv（已是最新则立即返回）
	@chosen='$(PYTHON)'; \
	if [ -z "$$chosen" ] && [ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null; then chosen=$(BIN)/python; fi; \
	if [ -n "$$chosen" ]; then \
		"$$chosen" -c '$(FITS)' 2>/dev/null || { echo "错误：$$chosen 不能用：需要 Python $(OLDEST)–$(NEWEST)（含 venv 与 pip）" >&2; exit 2; }; \
	else \
		for candidate in python3.11 python3.12 python3.13 python3 python; do \
			if "$$candidate" -c '$(FITS)' 2>/dev/null; then chosen=$$candidate; break; fi; \
		done; \
		[ -n "$$chosen" ] || { echo "错误：没有找到 Python $(OLDEST)–$(NEWEST)（含 venv 与 pip）：请安装，或用 make PYTHON=路径 指定" >&2; exit 2; }; \
	fi; \
	"$$chosen" -I weihai/bootstrap.py

run: environment ## 从零到评分表：环境、数据库、Airflow、示例城市、整条流程
	@$(BIN)/python -m weihai.first_run

serve: environment ## 启动数据库与 Airflow 并保持运行，显示地址
	@$(BIN)/weihai up && $(BIN)/weihai status

stop: ## 停止本目录的全部服务，不留进程
	@if [ -x $(BIN)/weihai ]; then $(BIN)/weihai down; else echo "没有环境，也就没有在运行的服务"; fi

docs: environment ## 数据字典、ODCS 契约和 dbt 文档（离线可看，写入 WEIHAI_HOME/docs）；须已 make run
	@$(BIN)/weihai docs

test: environment ## 全部测试（浏览器测试除外）；WORKERS=1 则逐个进行
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/browser --ignore=tests/soak

soak: environment ## 长时间试验：逐点中断与磁盘写满，再以损坏的文件和随机的表反复试读（SOAK_MINUTES=60）
	@$(BIN)/python -m tests.soak

test-browser: environment ## 门户的浏览器测试（缺少 Chromium、中文字体、axe-core 时先安装）
	@tests/browser/install.sh
	@$(BIN)/pytest tests/browser

bench: environment ## 速度：接收大文件与 psql \copy、pandas、dlt 相比（约 10 分钟；BENCH="--rows N --rounds K"），再量自然人、主体归并的准确率和用时、归并与四个基础库的用时
	@$(BIN)/python -m bench $(BENCH)
	@$(BIN)/python -m bench.person_linkage
	@$(BIN)/python -m bench.entity_linkage
	@$(BIN)/python -m bench.entity_scale
	@$(BIN)/python -m bench.libraries

lint: environment ## ruff、mypy、sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 dbt_project

lock: environment ## 按 pyproject.toml 重写 requirements.lock（不含任何主机名）
	$(BIN)/uv pip compile --quiet --universal --python-version $(OLDEST) --group dev \
		--no-emit-index-url --no-header --no-annotate --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version $(OLDEST) --extra celery \
		--no-emit-index-url --no-header --no-annotate --constraints requirements.lock \
		--output-file docker/airflow/celery.lock pyproject.toml

clean: stop ## 停止服务，删除环境与缓存；数据（WEIHAI_HOME）保留
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dbt_project/target dbt_project/logs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "已清理；数据仍在 $${WEIHAI_HOME:-var}，不再需要时可自行删除"
