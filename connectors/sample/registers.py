"""The thirteen registers that the city knows by name, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from connectors.contract import Contract
from connectors.sample import catalogue, economy, government, requests, services
from connectors.sample.calendar import month_later
from connectors.sample.city import RELEVANT, City

LATE = "industry_it__recognition"
"""The extract of which an earlier list arrives in the second round, after a later one was applied."""


def named_registers(city: City, before: Mapping[str, pl.DataFrame] | None) -> dict[str, pl.DataFrame]:
    """Make every register the city knows by name, as it stands on the as-of date.

    Args:
        city: the city at the date.
        before: the registers of the round before; none in the first round.

    Returns:
        Contract id -> typed register with `_relevant`.
    """
    listed = catalogue.resources(city)
    cloud = economy.cloud_enterprises(city, None if before is None else before["industry_it__cloud_enterprise"])
    return {
        "institution_staffing__department": government.departments(city),
        "big_data_center__resource_catalogue": listed,
        "big_data_center__resource_item": catalogue.resource_items(city, listed),
        "big_data_center__sharing_request": requests.sharing_requests(city, listed),
        "big_data_center__open_dataset": catalogue.open_datasets(city, listed),
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


def delivered(contract: Contract, now: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return what the department sends of a register: all of it, or what changed; nothing where nothing did.

    An incremental extract's later rounds say what each row is where the contract has the column operation.
    """
    if before is None or contract.mode == "full":
        return now
    shared = [c for c in now.columns if c in before.columns and c != RELEVANT]
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
