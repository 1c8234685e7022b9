"""How one header reads by itself: its forms for comparison, its unit, and what it says in brackets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from connectors.normalise.numbers import MAGNITUDES, UNITS, known_unit

Kind = Literal["date", "number", "code", "text"]

_BRACKETED = re.compile(r"[(\[{【<《]([^()\[\]{}【】<>《》]*)[)\]}】>》]")
_NOISE = re.compile(r"[\s\W_]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_NUMBERING = re.compile(r"^(?:[(]?\d{1,2}[).、．]|[(]?[一二三四五六七八九十]{1,2}[)、])\s*(?=\D)")
_TRAILING_UNIT = re.compile(r"^(.*\S)\s*[:/,\-_|\s]\s*(?:单位\s*:)?\s*(\S+)$")
_STATED_UNIT = re.compile(r"^(?:计量)?单位\s*:?\s*")
_COUNTED = re.compile(r"^[个件条次家名台辆座处所项笔宗套户人艘只本份例起张篇门部]$|^人次$|^户次$")
_MANY_COUNTED = re.compile(
    r"^(?:十|百|千|万|十万|百万|千万|亿)(?:[个件条次家名台辆座处所项笔宗套户人艘只本份例起张篇]|人次|户次)$"
)
_HARMLESS = re.compile(
    r"(?i)^(?:必填项?|选填项?|非?必填|必选|可选|可空|可为空|不可?为空|不能为空|请\S*|填\S+|选\S+|如\S*|例\S*|格式\S*|按\S*填写?"
    r"|全称|中文|中文名称?|汉字|文本|文本[型格]式?|字符型?|字符串|数字|数值型?|日期型|下拉\S*|单选|公历|精确到\S*|保留\S*"
    r"|以\S+为准|\d+位\S*|长度\S*|主键|唯一|已?脱敏|已?加密|[ymdhs年月日时分秒/\-.: ]{3,})$"
)
_CHOICES = re.compile(r"[/、,;|]|\s+")

_EVERYWHERE: tuple[tuple[str, str], ...] = (
    (r"帐", "账"),
    (r"其它", "其他"),
    (r"身分", "身份"),
    (r"座(?=落|标)", "坐"),
    (r"年令", "年龄"),
    (r"登陆", "登录"),
    (r"部份", "部分"),
    (r"全称", "名称"),
    (r"编码", "代码"),
    (r"(?:居民|公民)?身份证?件?(?:号码|号)", "身份证号"),
    (r"号码", "号"),
    (r"代码证?号$", "代码"),
    (r"法人代表", "法定代表人"),
    (r"(法定代表人|负责人|监护人|户主|联系人|经办人|申请人|经营者)姓名$", r"\1"),
    (r"详细地址", "地址"),
    (r"[的之]", ""),
)
_BY_KIND: dict[Kind, tuple[tuple[str, str], ...]] = {
    "date": (
        (r"日期时间|年月日|时间", "日期"),
        (r"期限", "期"),
        (r"起始|开始", "起"),
        (r"截止|截至|结束", "止"),
        (r"(?:起|自)(?:日期?)?$", "起"),
        (r"(?:止|至)(?:日期?)?$", "止"),
    ),
    "number": ((r"数量$|个数$|数目$", "数"), (r"数额|金额", "额")),
    "code": ((r"类别|种类", "类型"),),
    "text": (),
}


@dataclass(frozen=True)
class Wording:
    """One header, taken apart.

    Attributes:
        whole: half-width, without spaces, punctuation or case; what stands in brackets included.
        bare: the same without brackets, numbering and unit.
        unit: the unit it names, `注册资本（万元）` or `注册资本/万元` → `万元`.
        remarks: what else stands in brackets.
    """

    whole: str
    bare: str
    unit: str | None
    remarks: tuple[str, ...]


def trimmed(cell: str | None) -> str:
    """Return a header as people read it: one line, one space between words, no marks of required fields."""
    text = _INVISIBLE.sub("", cell or "")
    return re.sub(r"[\s\u3000\u00a0]+", " ", text).strip().strip("'*＊★※ ")


def plain(header: str) -> str:
    """Return a header for comparison: half-width, without spaces, punctuation or case."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", header)).lower()


@lru_cache(maxsize=16_384)
def wording(header: str) -> Wording:
    """Take a header apart."""
    text = unicodedata.normalize("NFKC", header).strip()
    unit, remarks = None, []
    for inside in _BRACKETED.findall(text):
        said = _STATED_UNIT.sub("", inside.strip()).strip()
        if unit is None and is_unit(said):
            unit = said
        elif said:
            remarks.append(said)
    outside = _NUMBERING.sub("", _BRACKETED.sub("", text).strip())
    if unit is None and (ending := _TRAILING_UNIT.match(outside)) is not None and is_unit(ending[2]):
        outside, unit = ending[1], ending[2]
    return Wording(plain(text), plain(outside), unit, tuple(remarks))


def is_unit(text: str) -> bool:
    """Say whether a text is a unit of measure or currency; a bare 万 or 亿 is one without a currency."""
    return known_unit(text) or (text in MAGNITUDES and text in ("千", "万", "亿", "百万"))


def is_count(text: str) -> bool:
    """Say whether a text counts things one by one, as 个 and 户 do."""
    return _COUNTED.match(text) is not None or (text in UNITS and UNITS[text][1] == 1)


def is_many(text: str) -> bool:
    """Say whether a text counts things by the hundred or more, as 万户 and 百件 do."""
    return _MANY_COUNTED.match(text) is not None


def is_harmless(remark: str) -> bool:
    """Say whether a remark in brackets says how to fill a column in, and not which column it is."""
    return _HARMLESS.match(remark) is not None


def choices(remark: str) -> list[str]:
    """Return the words a remark offers, `是/否` → 是, 否; empty where it offers none."""
    words = [re.sub(r"^\d+[\-.:]?", "", word) or word for word in _CHOICES.split(remark) if word]
    return words if len(words) > 1 else []


@lru_cache(maxsize=65_536)
def same_sense(form: str, kind: Kind) -> str:
    """Return a bare form in which wordings of the same sense are equal, 公民身份证号码 and 身份证号.

    Args:
        form: `Wording.bare`.
        kind: of the column: 时间 and 日期 are the same word only for a date.
    """
    for pattern, word in (*_EVERYWHERE, *_BY_KIND[kind]):
        form = re.sub(pattern, word, form)
    return form
