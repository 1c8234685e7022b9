"""What can be found in a cell: each finding once, with its rule, its weight and the sentence the department reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RuleKind = Literal["format", "code", "check"]
DIMENSION_OF: Mapping[str, str] = {"format": "0302", "code": "0105", "check": "0301"}
"""The quality indicator (GB/T 36344-2018, clause 6) that each automatic cell rule belongs to."""


@dataclass(frozen=True)
class Finding:
    """One kind of finding.

    Attributes:
        rule: the automatic rule `<column>.<rule>` it belongs to.
        severity: `warning` or `info`.
        fails: the cell counts as not passed; otherwise the finding is only told.
        message: one Chinese sentence; `suggestion` what to do, unless the cell has its own.
    """

    rule: RuleKind
    severity: Literal["warning", "info"]
    fails: bool
    message: str
    suggestion: str | None = None


def _bad(rule: RuleKind, message: str, suggestion: str | None = None) -> Finding:
    return Finding(rule, "warning", fails=True, message=message, suggestion=suggestion)


def _told(rule: RuleKind, message: str, suggestion: str | None = None) -> Finding:
    return Finding(rule, "warning", fails=False, message=message, suggestion=suggestion)


def _note(rule: RuleKind, message: str) -> Finding:
    return Finding(rule, "info", fails=False, message=message)


_RESEND_AS_TEXT = "请将该列设为文本格式，从原系统重新导出。"

FINDINGS: Mapping[str, Finding] = {
    "text_damaged": _bad("format", "含有造字区字符或丢失的汉字，已照原样保留。", "请改用标准汉字。"),
    "text_garbled": _bad("format", "是乱码，无法还原。", "请从原系统重新导出。"),
    "id_shape": _bad("format", "不是 18 位或 15 位的证件号码，已照原样保留。", "请核对号码位数。"),
    "id_unusable": _bad("format", "不是证件号码，未采用。", "请填写证件号码，没有的留空。"),
    "id_scientific": _bad("format", "号码被转成了科学记数法，已无法还原，未采用。", _RESEND_AS_TEXT),
    "id_date": _bad("check", "号码中的出生日期不存在，已照原样保留。", "请核对号码。"),
    "id_future": _bad("check", "号码中的出生日期晚于数据日期，已照原样保留。", "请核对号码。"),
    "id_sequence": _bad("check", "号码的顺序码为 000，可能被表格软件截断，已照原样保留。", _RESEND_AS_TEXT),
    "id_check": _bad("check", "号码的校验位不正确，已照原样保留。", "请核对号码。"),
    "id_region": _told("check", "号码前两位不是已知的省级代码。", "请核对号码。"),
    "id_lower_x": _note("check", "末位小写 x 已改为大写 X。"),
    "id_15": _note("check", "15 位旧号码已按 GB 11643 升为 18 位。"),
    "uscc_shape": _bad(
        "format", "不是 18 位的统一社会信用代码，已照原样保留。", "请填写 18 位代码；旧注册号请填入注册号列。"
    ),
    "uscc_unusable": _bad("format", "不是统一社会信用代码，未采用。", "请填写 18 位代码，没有的留空。"),
    "uscc_scientific": _bad("format", "代码被转成了科学记数法，已无法还原，未采用。", _RESEND_AS_TEXT),
    "uscc_characters": _bad(
        "format", "代码含有不允许的字符（I、O、S、V、Z 等），已照原样保留。", "请核对是否将 1、0、5、2 误写为字母。"
    ),
    "uscc_check": _bad("check", "代码的校验位不正确，已照原样保留。", "请核对代码。"),
    "uscc_organisation": _told("check", "代码中的组织机构代码（第 9 至 17 位）校验位不正确。", "请核对代码。"),
    "uscc_prefix": _told("check", "代码前两位不是已知的登记管理部门和机构类别。", "请核对代码。"),
    "uscc_lower": _note("check", "小写字母已改为大写。"),
    "date_unreadable": _bad("format", "不是日期，未采用。", "请写成 2020-08-01 的形式。"),
    "date_impossible": _bad("format", "日期不存在，未采用。", "请核对日期。"),
    "date_precision": _bad("format", "只有年或年月，缺少日，未采用。", "请写成 2020-08-01 的形式。"),
    "period_unreadable": _bad("format", "不是年份或年月，未采用。", "请写成 2020 或 202008 的形式。"),
    "number_unreadable": _bad("format", "不是数字，未采用。", "请只填数字。"),
    "number_fraction": _bad("format", "应为整数，未采用。", "请填写整数。"),
    "number_overflow": _bad("format", "数值过大，未采用。", "请核对数值和单位。"),
    "money_unreadable": _bad("format", "金额无法识别，未采用。", "请写成数字加单位的形式，如 405万元。"),
    "money_without_number": _bad("format", "只有单位没有数字，未采用。", "请补填金额。"),
    "money_without_currency": _bad(
        "format", "没有写明币种，金额已保留，未折算人民币元。", "请写明币种，如 30万元或 30万美元。"
    ),
    "quantity_unit": _bad("format", "单位无法识别，未采用。", "请使用本列规定的单位。"),
    "bool_unknown": _bad("code", "不是“是”或“否”，未采用。", "请填写是或否。"),
    "code_unknown": _bad("code", "不在代码表中，未采用。", "请使用代码表中的写法。"),
    "code_default": _note("code", "空白，按默认值处理。"),
    "division_unreadable": _bad("format", "不是行政区划代码或名称，未采用。", "请填写 6、9 或 12 位区划代码。"),
    "division_unknown": _bad("code", "区划代码不在已知的代码表中，已照原样保留。", "请核对区划代码。"),
}
