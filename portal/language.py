"""The two languages of the pages: Chinese first, English beside it, every text from `i18n.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from connectors.yaml_files import read_yaml

TEXTS = Path(__file__).parent / "i18n.yml"


@dataclass(frozen=True)
class Language:
    """One language of the pages.

    Attributes:
        tag: the BCP 47 tag of the pages.
        folder: where its pages lie in the portal, "" or "en/".
        texts: interface texts by key.
        names: names of things (indicators, departments) that the warehouse holds in Chinese only, by id.
    """

    tag: str
    folder: str
    texts: Mapping[str, str]
    names: Mapping[str, Mapping[str, str]]

    @property
    def is_chinese(self) -> bool:
        """Whether the pages are in the language of the data."""
        return self.tag == "zh-CN"

    def text(self, key: str, **values: Any) -> str:
        """Return an interface text with its places filled; an unknown key is an error."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def optional(self, key: str, otherwise: str) -> str:
        """Return an interface text, or `otherwise` where the key is unknown."""
        return self.texts.get(key, otherwise)

    def chinese(self, text: str) -> Markup:
        """Mark data that is Chinese in any language of the pages, so that it is read and drawn as such."""
        return escape(text) if self.is_chinese else Markup('<bdi lang="zh-CN">{}</bdi>').format(text)

    def name(self, kind: str, key: str, chinese: str) -> Markup:
        """Return the name of a thing in this language, or in Chinese where there is none."""
        own = self.own_name(kind, key)
        return escape(own) if own is not None else self.chinese(chinese)

    def own_name(self, kind: str, key: str) -> str | None:
        """Return the name of a thing in this language, if it is not Chinese and has one."""
        return self.names.get(kind, {}).get(key)


@cache
def languages() -> tuple[Language, ...]:
    """Load the languages; every text must exist in each."""
    data = read_yaml(TEXTS).data
    pairs: dict[str, list[str]] = data["texts"]
    if unpaired := [key for key, pair in pairs.items() if len(pair) != 2]:
        raise ValueError(f"i18n.yml: texts without both languages: {', '.join(unpaired)}")
    return (
        Language("zh-CN", "", {key: pair[0] for key, pair in pairs.items()}, {}),
        Language("en", "en/", {key: pair[1] for key, pair in pairs.items()}, data["english_names"]),
    )
