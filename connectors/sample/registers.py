"""The registers that the city knows by name, round by round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import polars as pl

from connectors.contract import Contract, Contracts
from connectors.opening.datasets import OpenDataset
from connectors.sample import (
    catalogue,
    credit,
    economy,
    employment,
    features,
    geography,
    governance,
    government,
    industry,
    legal_entities,
    licences,
    livelihoods,
    networks,
    plan,
    public_services,
    requests,
    residents,
    safeguards,
    schools_hospitals,
    services,
    surveillance,
    surveying,
    transport,
    utilities,
)
from connectors.sample.calendar import month_later
from connectors.sample.city import City, is_hidden
from connectors.sample.operands import Operands, all_operands
from connectors.sample.soiling import Register, Soiling
from connectors.sample.topic import OnDemand, Topic, make_relevant

_PLACE = "_place"
LATE = "industry_it__recognition"
"""The extract of which an earlier list arrives in the second round, after a later one was applied."""


_OF_PEOPLE_AND_ENTITIES: Mapping[str, Callable[[City, Contract], Soiling]] = {
    "public_security__household_population": residents.household_population,
    "public_security__residence_permit": residents.residence_permits,
    "health__birth_certificate": residents.birth_certificates,
    "health__death_certificate": residents.death_certificates,
    "civil_affairs__cremation": residents.cremations,
    "civil_affairs__marriage": residents.marriages,
    "civil_affairs__subsistence_allowance": livelihoods.subsistence_allowances,
    "human_resources__social_insurance": livelihoods.social_insurance,
    "human_resources__pension_payment": livelihoods.pension_payments,
    "medical_security__insured": livelihoods.insured,
    "education__student": livelihoods.students,
    "veterans__veteran": livelihoods.veterans,
    "institution_staffing__public_institution": legal_entities.public_institutions,
    "civil_affairs__social_organization": legal_entities.social_organizations,
    "taxation__taxpayer": legal_entities.taxpayers,
    "development_reform__administrative_permit": credit.permits,
    "development_reform__administrative_penalty": credit.penalties,
    "development_reform__credit_list": credit.lists,
    "court__judgment_debtor": credit.debtors,
    "development_reform__haibei_score": credit.scores,
    "administrative_approval__electronic_licence": licences.electronic_licences,
}
NAMED = (
    "institution_staffing__department",
    "big_data_center__resource_catalogue",
    "big_data_center__resource_item",
    "big_data_center__sharing_request",
    "big_data_center__open_dataset",
    "big_data_center__information_system",
    "big_data_center__main_website",
    "administrative_approval__service_item",
    "market_regulation__enterprise",
    "industry_it__cloud_enterprise",
    "industry_it__recognition",
    "commerce__ecommerce",
    "statistics__annual_indicator",
)
"""Registers that are made together, as one continues another or its own earlier state."""
TOPICS: tuple[Topic, ...] = (
    geography.TOPIC,
    public_services.TOPIC,
    transport.TOPIC,
    schools_hospitals.TOPIC,
    utilities.TOPIC,
    governance.TOPIC,
    industry.TOPIC,
    networks.TOPIC,
    surveillance.TOPIC,
    surveying.TOPIC,
    safeguards.TOPIC,
    features.TOPIC,
    employment.TOPIC,
    plan.TOPIC,
)
"""Registers that are made one by one, by topic."""
FOR_INDICATORS = (
    *NAMED,
    "human_resources__social_insurance",
    *(contract_id for topic in TOPICS for contract_id in topic.registers),
)
"""The registers that the indicators are computed from."""
KNOWN = frozenset({*FOR_INDICATORS, *_OF_PEOPLE_AND_ENTITIES})
"""All registers that the city knows by name."""


def makers(city: City, contracts: Contracts, named: Mapping[str, pl.DataFrame]) -> dict[str, Callable[[], Register]]:
    """Return what makes each register, as its department keeps it: errors about people and entities included.

    The large ones are made when they are asked for, so that one at a time need be in memory.

    Args:
        city: the city at the date.
        contracts: those wanted.
        named: from `named_registers`.
    """
    enterprise = "market_regulation__enterprise"
    made: dict[str, Callable[[], Register]] = {k: partial(Register, v) for k, v in named.items() if k in contracts}
    if enterprise in contracts:
        made[enterprise] = lambda: legal_entities.enterprises(city, contracts[enterprise], named[enterprise]).register()
    for contract_id, make in _OF_PEOPLE_AND_ENTITIES.items():
        if contract_id in contracts:
            made[contract_id] = partial(_make, make, city, contracts[contract_id])
    for topic in TOPICS:
        for contract_id, make_table in topic.registers.items():
            if contract_id in contracts:
                made[contract_id] = partial(_make_of_topic, make_table, city)
    return made


def _make(make: Callable[[City, Contract], Soiling], city: City, contract: Contract) -> Register:
    return make(city, contract).register()


def _make_of_topic(make: Callable[[City], pl.DataFrame], city: City) -> Register:
    return Register(make_relevant(make, city))


def expected_operands(city: City, named: Mapping[str, pl.DataFrame]) -> Operands:
    """Compute what the indicators must show.

    Args:
        city: the city at the date.
        named: from `named_registers`.
    """
    districts = city.entities.select("uscc", "district")
    operands = all_operands(named, city.as_of, city.calendar, city.cycle_days, districts)
    registers = OnDemand(city, named, TOPICS)
    for topic in TOPICS:
        operands |= topic.operands(city, registers)
    return operands


def expected_targets(city: City, named: Mapping[str, pl.DataFrame], operands: Operands) -> dict[str, dict[str, str]]:
    """Compute what the plan's targets must show.

    Args:
        city: the city at the date.
        named: from `named_registers`.
        operands: from `expected_operands`.
    """
    return plan.expected_targets(city, OnDemand(city, named, TOPICS), operands)


def named_registers(
    city: City, before: Mapping[str, pl.DataFrame] | None, opened: Sequence[OpenDataset] = ()
) -> dict[str, pl.DataFrame]:
    """Make the registers of `NAMED`, as they stand on the as-of date.

    Args:
        city: the city at the date.
        before: the registers of the round before; none in the first round.
        opened: what the warehouse opens, which is on the city's list of open data.

    Returns:
        Contract id -> typed register with `_relevant`.
    """
    listed = catalogue.resources(city)
    datasets = pl.concat([catalogue.open_datasets(city, listed), catalogue.own_datasets(city, opened)])
    cloud = economy.cloud_enterprises(city, None if before is None else before["industry_it__cloud_enterprise"])
    return {
        "institution_staffing__department": government.departments(city),
        "big_data_center__resource_catalogue": listed,
        "big_data_center__resource_item": catalogue.resource_items(city, listed),
        "big_data_center__sharing_request": requests.sharing_requests(city, listed),
        "big_data_center__open_dataset": datasets,
        "big_data_center__information_system": government.information_systems(city),
        "big_data_center__main_website": government.main_websites(city),
        "administrative_approval__service_item": services.service_items(city),
        "market_regulation__enterprise": economy.enterprises(city, cloud),
        "industry_it__cloud_enterprise": cloud,
        "industry_it__recognition": economy.recognitions(city),
        "commerce__ecommerce": economy.ecommerce(city),
        "statistics__annual_indicator": economy.annual_indicators(city),
    }


def next_round(city: City) -> City:
    """Return the city one month later, its companies moved on."""
    later = replace(city, as_of=month_later(city.as_of), round_no=city.round_no + 1)
    return replace(later, entities=economy.later_entities(later, city.entities))


def earlier_list(city: City) -> tuple[date, pl.DataFrame]:
    """Return the date and content of the late delivery: the list as it stood a month before the first round."""
    day = city.first_as_of - timedelta(days=30)
    return day, economy.recognitions(replace(city, as_of=day, round_no=1))


def delivery(contract: Contract, now: Register, before: Register | None) -> Register | None:
    """Return what the department sends of a register, with the errors in it; nothing where nothing changed."""
    if before is None or contract.mode == "full":
        return now
    size = len(now.table)
    sent = delivered(contract, now.table.with_row_index(_PLACE), before.table.with_row_index(_PLACE, offset=size))
    if sent is None:
        return None
    planted = pl.concat([now.planted, before.planted.with_columns(pl.col("index") + size)])
    places = pl.DataFrame({"index": sent[_PLACE].cast(pl.Int64), "at": pl.int_range(len(sent), eager=True)})
    planted = planted.join(places, on="index", maintain_order="left").with_columns(index="at").drop("at")
    return Register(sent.drop(_PLACE), planted)


def delivered(contract: Contract, now: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return what the department sends of a register: all of it, or what changed; nothing where nothing did.

    An incremental extract's later rounds say what each row is where the contract has the column operation.
    """
    if before is None or contract.mode == "full":
        return now
    shared = [c for c in now.columns if c in before.columns and not is_hidden(c)]
    changed = now.join(before.select(shared), on=shared, how="anti", nulls_equal=True, maintain_order="left")
    key = [k for k in contract.key if k in shared]
    if contract.mode == "append" or "operation" not in contract.columns or not key:
        return changed if len(changed) else None
    known = changed.join(before.select(key), on=key, how="semi", nulls_equal=True, maintain_order="left")
    fresh = changed.join(before.select(key), on=key, how="anti", nulls_equal=True, maintain_order="left")
    gone = before.join(now.select(key), on=key, how="anti", nulls_equal=True, maintain_order="left")
    parts = [
        part.select(now.columns).with_columns(operation=pl.lit(word))
        for part, word in ((fresh, "新增"), (known, "变更"), (gone, "撤销"))
    ]
    whole = pl.concat(parts)
    return whole if len(whole) else None
