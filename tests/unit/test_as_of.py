from __future__ import annotations

from datetime import date, datetime

import pytest

from connectors.as_of import AsOf, date_in_text, last_period_end, resolve

TODAY = date(2021, 10, 8)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("市场主体登记信息_20210930", date(2021, 9, 30)),
        ("导出20210930153000", date(2021, 9, 30)),
        ("登记 2021-9-3 定稿", date(2021, 9, 3)),
        ("登记2021年9月30日", date(2021, 9, 30)),
        ("登记２０２１年９月", date(2021, 9, 30)),
        ("登记_202109", date(2021, 9, 30)),
        ("2021年第三季度报表", date(2021, 9, 30)),
        ("报表2021Q2", date(2021, 6, 30)),
        ("2021年上半年", date(2021, 6, 30)),
        ("2020年度统计", date(2020, 12, 31)),
        ("2020年2月", date(2020, 2, 29)),
        ("截至2021.09.30", date(2021, 9, 30)),
        ("登记", None),
        ("371002198001011234", None),
        ("20210931", None),
        ("登记_20211231", None),
        ("2022年", None),
    ],
)
def test_date_is_the_most_exact_one_when_a_text_names_it(text: str, day: date | None) -> None:
    assert date_in_text(text, not_after=TODAY) == day


@pytest.mark.parametrize(
    ("cycle", "day"),
    [
        ("daily", date(2021, 10, 7)),
        ("weekly", date(2021, 10, 3)),
        ("monthly", date(2021, 9, 30)),
        ("quarterly", date(2021, 9, 30)),
        ("half_yearly", date(2021, 6, 30)),
        ("yearly", date(2020, 12, 31)),
    ],
)
def test_last_period_has_ended_when_the_cycle_decides(cycle: str, day: date) -> None:
    assert last_period_end(cycle, TODAY) == day
    assert last_period_end(cycle, day.replace(day=day.day)) < day


def test_unknown_cycle_is_an_error_when_asked_for() -> None:
    with pytest.raises(ValueError, match="hourly"):
        last_period_end("hourly", TODAY)


def test_sources_are_asked_in_order_when_several_name_a_date(clock: datetime) -> None:
    titles = ["威海市市场主体登记表", "制表日期：2021-10-05", "截至2021年8月31日"]
    facts = {"titles": titles, "cycle": "monthly", "received_at": clock}
    assert resolve(declared=date(2021, 7, 1), file_names=["a_20210930.csv"], **facts) == AsOf(
        date(2021, 7, 1), "declared"
    )
    assert resolve(declared=None, file_names=["a_20210930.csv"], **facts) == AsOf(date(2021, 9, 30), "file_name")
    assert resolve(declared=None, file_names=["a.csv"], **facts) == AsOf(date(2021, 8, 31), "title")
    assert resolve(declared=None, file_names=["a.csv"], **(facts | {"titles": titles[:2]})) == AsOf(
        date(2021, 9, 30), "cycle"
    )
