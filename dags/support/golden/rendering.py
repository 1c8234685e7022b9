"""The dbt models that follow from a declaration: versions by source, spells, golden records, identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from connectors.contract import Contract
from dags.support.golden import cells
from dags.support.golden.declaration import Choice, Declaration, Rule
from linkage.mention_sql import is_mention, mention_key

KINDS: Mapping[str, str] = {"population": "person", "legal_entity": "entity"}
_MEMORY = "{{ library_memory() }}"
PARTS = 2
"""Of a golden record's table: they are computed at the same time, each in one process; a power of two."""
PACKED = ("_winners", "_losers", "_source_ids", "_batch_ids", "_row_nos")
"""Provenance of a golden record: winner per field (source × 100 + rank), losers, where each source's record lies."""


def render(declaration: Declaration) -> dict[str, str]:
    """Return the models of one library by file name; all of them are of its schema."""
    kind = KINDS[declaration.library]
    sources = {_model(declaration, c, role): (c, role) for c, role in declaration.sources}
    models = {name: _versions(declaration, contract, role) for name, (contract, role) in sources.items()}
    models[f"int_{kind}__spell"] = _spells(declaration, list(sources))
    for part in range(PARTS):
        models[f"int_{kind}__golden_{part}"] = _golden(declaration, sources, part)
    models[f"int_{kind}__golden"] = _all_golden(declaration)
    models[f"int_{kind}__stated"] = _stated(declaration)
    models[f"int_{kind}__identified"] = _identified(declaration, sources)
    models[f"int_{kind}__provenance"] = _provenance(declaration)
    return {f"{name}.sql": text for name, text in models.items()}


def working_tables(declaration: Declaration) -> tuple[str, ...]:
    """Return the tables of one build: what they hold is of no use after it."""
    kind = KINDS[declaration.library]
    sources = (_model(declaration, contract, role) for contract, role in declaration.sources)
    return (*sources, f"int_{kind}__spell", *(f"int_{kind}__golden_{part}" for part in range(PARTS)))


def _model(declaration: Declaration, contract: Contract, role: str) -> str:
    extracts = [c.extract for c, r in declaration.sources if r == role]
    name = contract.extract if extracts.count(contract.extract) == 1 else contract.id
    return f"int_{KINDS[declaration.library]}__{name}__{role}"


def _config(declaration: Declaration, kind: str, **more: object) -> str:
    options = {"materialized": kind, "schema": declaration.library, "tags": declaration.library, **more}
    return f"{{{{ config({', '.join(f'{name}={value!r}' for name, value in options.items())}) }}}}\n"


def _table(declaration: Declaration) -> str:
    """Working tables are of one build only: not logged, and their figures known to the planner."""
    return _config(
        declaration,
        "table",
        unlogged=True,
        meta={"distribution_key": f"{KINDS[declaration.library]}_id"},
        pre_hook=_MEMORY,
        post_hook="analyze {{ this }}",
    )


def _candidate(choice: Choice) -> str:
    return f"{choice.field}__{choice.rank}"


def _versions(declaration: Declaration, contract: Contract, role: str) -> str:
    kind = KINDS[declaration.library]
    source = (contract.id, role)
    columns = [
        f"link.{kind}_id",
        "link.source_id",
        "version._as_of as valid_from",
        "ended.valid_to",
        "version._batch_id as batch_id",
        "ended.batch_id as ended_by_batch_id",
        "version._row_no::integer as row_no",
        "version._applied_seq as applied_seq",
    ]
    for number, choice in enumerate(declaration.records(source), start=1):
        cell = cells.condition(choice, "version") if choice.rule is Rule.VALIDITY else f'version."{choice.column}"'
        columns.append(f"{cell} as order_{number}")
    for choices in declaration.fields.values():
        for choice in (c for c in choices if c.source == source):
            columns.append(f'{cells.value(choice, "version")} as "{_candidate(choice)}"')
            if choice.dated_by:
                columns.append(f'{cells.moment(contract, choice.dated_by, "version")} as "{_candidate(choice)}_on"')
    for number, choice in enumerate((c for c in declaration.identifiers if c.source == source), start=1):
        columns.append(f"{cells.converted(choice, 'version')} as identifier_{number}")
        columns.append(f"{cells.condition(choice, 'version')} as is_valid_{number}")
    listed = ",\n    ".join(columns)
    return f"""\
-- one row per {kind} and version of {contract.id} that speaks of it as {role}; rendered from survivorship.csv
{_table(declaration)}
{{%- set build = library_build("{kind}") %}}
select
    {listed}
from {{{{ linked_mentions("{kind}", "{contract.id}", "{role}", build) }}}} as link
inner join {{{{ source("raw", "{contract.id}") }}}} as version
    on {mention_key(contract, role, "version")} = link.mention_key
left join {{{{ version_ends("{contract.id}", "version", build) }}}}
where
    version._applied_seq <= {{{{ build.known_at }}}}
    and {is_mention(contract, role, "version")}
    and (ended.valid_to is null or ended.valid_to > version._as_of)
-- depends on: {{{{ ref("int_{kind}__build") }}}}, {{{{ ref("int_{kind}__touched") }}}}
"""


def _spells(declaration: Declaration, sources: list[str]) -> str:
    kind = KINDS[declaration.library]
    points = " union all\n".join(
        f'    select {kind}_id, valid_from, batch_id from {{{{ ref("{name}") }}}}\n    union all\n'
        f'    select {kind}_id, valid_to, ended_by_batch_id from {{{{ ref("{name}") }}}} where valid_to is not null'
        for name in sources
    )
    return f"""\
-- one row per {kind} and stretch of time in which the same versions are in force
{_table(declaration)}
select
    point.{kind}_id,
    point.valid_from,
    lead(point.valid_from) over (partition by point.{kind}_id order by point.valid_from) as valid_to,
    count(*) over (partition by point.{kind}_id) = 1 as is_only,
    point.caused_by_batch_id
from (
    select {kind}_id, valid_from, max(batch_id) as caused_by_batch_id
    from (
{points}
    ) as every
    group by {kind}_id, valid_from
) as point
"""


def _all_golden(declaration: Declaration) -> str:
    kind = KINDS[declaration.library]
    parts = "union all\n".join(f'select * from {{{{ ref("int_{kind}__golden_{part}") }}}}\n' for part in range(PARTS))
    return f"""\
-- one row per {kind} and spell: the golden record and where it comes from
{_config(declaration, "view")}
{parts}"""


def _golden(declaration: Declaration, sources: Mapping[str, tuple[Contract, str]], part: int) -> str:
    kind = KINDS[declaration.library]
    alias = {(c.id, role): f"s{n}" for n, (c, role) in enumerate(sources.values(), start=1)}
    best, joins, carried = [], [], []
    for name, (contract, role) in sources.items():
        source = (contract.id, role)
        orders = [f"version.order_{n} desc nulls last" for n in range(1, len(declaration.records(source)) + 1)]
        ordered = ", ".join([*orders, *(f"version.{c} desc" for c in ("valid_from", "applied_seq", "row_no"))])
        best.append(
            f"{alias[source]} as (\n"
            f"    select distinct on (spell.{kind}_id, spell.valid_from) spell.valid_from as spell_from, version.*\n"
            f'    from {{{{ ref("{name}") }}}} as version\n'
            f"    inner join spells as spell\n"
            f"        on version.{kind}_id = spell.{kind}_id and version.valid_from <= spell.valid_from\n"
            "        and (version.valid_to is null or version.valid_to > spell.valid_from)\n"
            f"    order by spell.{kind}_id, spell.valid_from, {ordered}\n)"
        )
        a = alias[source]
        joins.append(f"left join {a} on spell.{kind}_id = {a}.{kind}_id and spell.valid_from = {a}.spell_from")
        carried += [f"{a}.{c} as {a}_{c}" for c in ("source_id", "batch_id", "row_no")]
    fields = declaration.fields
    for choices in fields.values():
        for choice in choices:
            a = alias[choice.source]
            carried.append(f'{a}."{_candidate(choice)}" as "{_at(choice, alias)}"')
            if choice.dated_by:
                carried.append(f'{a}."{_candidate(choice)}_on" as "{_at(choice, alias)}_on"')
    values = [f'{_chosen(choices, alias, "value")} as "{field}"' for field, choices in fields.items()]
    codes = ",\n        ".join(_chosen(choices, alias, "code") for choices in fields.values())
    losing = {field: _losers(field, choices, alias) for field, choices in fields.items()}
    differs = "\n            or ".join(condition for condition, _ in losing.values() if condition)
    lost = ",\n            ".join(f"'{field}', {array}" for field, (_, array) in losing.items() if array)
    packed = {
        column: "array_remove(array[" + ", ".join(f"{a}_{c}" for a in alias.values()) + "], null)"
        for column, c in (("_source_ids", "source_id"), ("_batch_ids", "batch_id"), ("_row_nos", "row_no"))
    }
    return f"""\
-- one row per {kind} of this part and spell: the golden record and where it comes from; rendered from survivorship.csv
{_table(declaration)}
with

spells as (
    select * from {{{{ ref("int_{kind}__spell") }}}}
    where uuid_hash({kind}_id) & {PARTS - 1} = {part}
),

{_joined(best, "," + chr(10) * 2)},

candidates as (
    select
        spell.*,
        {_joined(carried, "," + chr(10) + " " * 8)}
    from spells as spell
    {_joined(joins, chr(10) + "    ")}
    where coalesce({", ".join(f"{a}.source_id" for a in alias.values())}) is not null
    offset 0
),

chosen as (
    select
        candidates.*,
        {_joined(values, "," + chr(10) + " " * 8)}
    from candidates
    offset 0
)

select
    {kind}_id,
    valid_from,
    valid_to,
    is_only,
    caused_by_batch_id,
    {", ".join(f'"{field}"' for field in fields)},
    array[
        {codes}
    ] as _winners,
    case
        when
            {differs or "false"}
            then jsonb_strip_nulls(jsonb_build_object(
            {lost or "'', null"}
            ))
    end as _losers,
    {packed["_source_ids"]} as _source_ids,
    {packed["_batch_ids"]} as _batch_ids,
    {packed["_row_nos"]} as _row_nos
from chosen
"""


def _joined(parts: list[str], separator: str) -> str:
    return separator.join(parts)


def _at(choice: Choice, alias: Mapping[tuple[str, str], str]) -> str:
    return f"{alias[choice.source]}_{_candidate(choice)}"


def _chosen(choices: tuple[Choice, ...], alias: Mapping[tuple[str, str], str], what: str) -> str:
    """Return the SQL of the winning value, or of its code; competitors of one rank are compared only when it counts."""

    def result(choice: Choice) -> str:
        if what == "value":
            return f'"{_at(choice, alias)}"'
        return f"{alias[choice.source]}_source_id * 100 + {choice.rank}"

    branches = []
    for _, ranked in groupby(choices, key=lambda c: c.rank):
        group = list(ranked)
        if len(group) == 1:
            only = group[0]
            branches.append(f'when "{_at(only, alias)}" is not null then {result(only)}')
            continue
        keys = [_competing(c, alias) for c in group]
        best = f"greatest({', '.join(keys)})"
        branches += [f"when {key} = {best} then {result(c)}" for key, c in zip(keys, group, strict=True)]
    return f"case {' '.join(branches)} end"


def _competing(choice: Choice, alias: Mapping[tuple[str, str], str]) -> str:
    cell = f'"{_at(choice, alias)}"'
    if choice.rule is Rule.COMPLETENESS:
        return f"length({cell})"
    return f"case when {cell} is not null then coalesce(\"{_at(choice, alias)}_on\", date '-infinity') end"


def _losers(field: str, choices: tuple[Choice, ...], alias: Mapping[tuple[str, str], str]) -> tuple[str, str]:
    """Return the SQL of: another value stands somewhere; and of the pairs of code and value that lost."""
    plain = {(c.source, c.column, c.transform) for c in choices if not c.conditions}
    losing = [c for c in choices if not c.conditions or (c.source, c.column, c.transform) not in plain]
    if len(losing) < 2:
        return "", ""
    differs = [f'"{_at(c, alias)}" <> "{field}"' for c in losing]
    pairs = [
        f'case when {d} then jsonb_build_array({alias[c.source]}_source_id * 100 + {c.rank}, "{_at(c, alias)}") end'
        for c, d in zip(losing, differs, strict=True)
    ]
    condition = " or ".join(differs)
    return condition, f"case when {condition} then to_jsonb(array_remove(array[{', '.join(pairs)}], null)) end"


def _stated(declaration: Declaration) -> str:
    kind = KINDS[declaration.library]
    fields = ", ".join(f'"{field}"' for field in declaration.fields)
    packed = ", ".join(PACKED)
    return f"""\
-- one row per {kind} and stretch of time in which its golden record says the same
{_config(declaration, "view")}
with

marked as (
    select
        golden.*,
        coalesce(
            lag(md5(row({fields}, _winners, _losers)::text)) over spell
            = md5(row({fields}, _winners, _losers)::text)
            and lag(valid_to) over spell = valid_from,
            false
        ) as goes_on
    from {{{{ ref("int_{kind}__golden") }}}} as golden
    where not is_only
    window spell as (partition by {kind}_id order by valid_from)
),

numbered as (
    select marked.*, count(*) filter (where not goes_on) over (partition by {kind}_id order by valid_from) as stretch
    from marked
),

merged as (
    select numbered.*, last_value(valid_to) over (
        partition by {kind}_id, stretch order by valid_from
        rows between unbounded preceding and unbounded following
    ) as stated_to
    from numbered
)

select {kind}_id, valid_from, valid_to, caused_by_batch_id, {fields}, {packed}
from {{{{ ref("int_{kind}__golden") }}}}
where is_only
union all
select {kind}_id, valid_from, stated_to, caused_by_batch_id, {fields}, {packed}
from merged
where not goes_on
"""


def _identified(declaration: Declaration, sources: Mapping[str, tuple[Contract, str]]) -> str:
    kind = KINDS[declaration.library]
    parts = []
    for name, (contract, role) in sources.items():
        found = (c for c in declaration.identifiers if c.source == (contract.id, role))
        for number, choice in enumerate(found, start=1):
            parts.append(
                f"select {kind}_id, '{choice.field}' as identifier_kind, identifier_{number} as identifier,"
                f" is_valid_{number} as is_valid, valid_from, valid_to, batch_id\n"
                f'from {{{{ ref("{name}") }}}}\nwhere identifier_{number} is not null\n'
            )
    return (
        f"-- one row per record version and identifier of the {kind} it speaks of; rendered from survivorship.csv\n"
        f"{_config(declaration, 'view')}\n" + "union all\n".join(parts)
    )


def _provenance(declaration: Declaration) -> str:
    """Return the view of provenance; arrays, because a VALUES list of Citus takes immutable expressions only."""
    kind = KINDS[declaration.library]
    names = ", ".join(f"'{field}'" for field in declaration.fields)
    values = [f'present."{field}"::text' for field in declaration.fields]
    return f"""\
-- one row per {kind} and field that has a value: the winner's place in raw, its rule, and the values that lost
{_config(declaration, "view")}
select
    present.{kind}_id,
    field.field,
    field.value,
    source.contract_id,
    source.role,
    declared.column_name,
    record.batch_id,
    record.row_no,
    declared.rule,
    present._losers -> field.field as losers
from {{{{ ref("{kind}_history") }}}} as present
cross join lateral unnest(
    array[{names}],
    array[
        {_joined(values, "," + chr(10) + " " * 8)}
    ],
    present._winners
) as field (field, value, winner)
left join {{{{ source("linkage", "source") }}}} as source on field.winner / 100 = source.source_id
left join lateral (
    select held.batch_id, held.row_no
    from unnest(present._source_ids, present._batch_ids, present._row_nos) as held (source_id, batch_id, row_no)
    where held.source_id = source.source_id
) as record on true
left join {{{{ ref("survivorship") }}}} as declared
    on
        declared.library = '{declaration.library}'
        and declared.field = field.field
        and declared.contract_id = source.contract_id
        and declared.role = source.role
        and declared.rank = field.winner % 100
where
    present.valid_to is null
    and present.known_to is null
    and field.value is not null
"""
