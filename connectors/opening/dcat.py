"""The catalogue of the open data as JSON-LD, after DCAT-AP 3: one dataset each, one distribution per file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.chain import Head
from connectors.opening import formulas
from connectors.opening.datasets import OpenDataset

DATA_FOLDER = "data"
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "weihai": "urn:weihai:open-data#",
}
_MEDIA_TYPES = {
    "csv": "https://www.iana.org/assignments/media-types/text/csv",
    "json": "https://www.iana.org/assignments/media-types/application/json",
    "parquet": "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet",
}
_FREQUENCIES = {
    "每日": "DAILY", "每周": "WEEKLY", "每月": "MONTHLY", "每季度": "QUARTERLY", "每半年": "ANNUAL_2", "每年": "ANNUAL",
}  # fmt: skip
_FREQUENCY_AUTHORITY = "http://publications.europa.eu/resource/authority/frequency/"


@dataclass(frozen=True)
class Published:
    """A data set with its latest release."""

    dataset: OpenDataset
    publisher: str
    as_of: date
    issued_on: date
    modified_on: date
    record_count: int
    files: Sequence[Mapping[str, Any]]


@cache
def terms() -> Mapping[str, str]:
    """Return publisher, titles and licence (`terms.yml`)."""
    loaded: dict[str, str] = yaml.safe_load((Path(__file__).parent / "terms.yml").read_text(encoding="utf-8"))
    return loaded


def document(published: Sequence[Published], head: Head) -> dict[str, Any]:
    """Return the catalogue; its addresses are relative to where it lies.

    Args:
        head: the link of the account's hash chain that records the latest release (ADR 27).
    """
    stated = terms()
    return {
        "@context": _CONTEXT,
        "@id": "catalog.jsonld",
        "@type": "dcat:Catalog",
        "dct:title": _chinese(stated["catalogue_title"]),
        "dct:description": _chinese(stated["catalogue_description"]),
        "dct:publisher": _agent(stated["publisher"]),
        "dct:license": _licence(),
        "dct:language": "zh",
        "dct:issued": _day(min(p.issued_on for p in published)),
        "dct:modified": _day(max(p.modified_on for p in published)),
        "weihai:chainHead": {"weihai:seq": head.seq, "weihai:hash": head.hash},
        "dcat:themeTaxonomy": {
            "@id": "theme",
            "@type": "skos:ConceptScheme",
            "dct:title": _chinese("开放类别（22 类）"),
        },
        "dcat:dataset": [_dataset(p) for p in published],
    }


def text(catalogue: Mapping[str, Any]) -> str:
    """Return the catalogue as it is written."""
    return json.dumps(catalogue, ensure_ascii=False, indent=1) + "\n"


def _dataset(published: Published) -> dict[str, Any]:
    dataset = published.dataset
    return {
        "@id": f"dataset/{dataset.id}",
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.id,
        "dct:title": _chinese(dataset.title),
        "dct:description": _chinese(dataset.description),
        "dct:publisher": _agent(published.publisher),
        "dcat:theme": {
            "@id": f"theme/{dataset.category}",
            "@type": "skos:Concept",
            "skos:prefLabel": _chinese(dataset.category),
            "skos:inScheme": {"@id": "theme"},
        },
        "dct:accrualPeriodicity": {"@id": f"{_FREQUENCY_AUTHORITY}{_FREQUENCIES[dataset.cycle]}"},
        "dct:issued": _day(published.issued_on),
        "dct:modified": _day(published.modified_on),
        "dct:temporal": {"@type": "dct:PeriodOfTime", "dcat:endDate": _day(published.as_of)},
        "weihai:recordCount": published.record_count,
        "dct:conformsTo": {"@id": "dictionary.json"},
        "dcat:distribution": [_distribution(dataset.id, file) for file in published.files],
    }


def _distribution(dataset_id: str, file: Mapping[str, Any]) -> dict[str, Any]:
    address = {"@id": f"{DATA_FOLDER}/{file['name']}"}
    return {
        "@id": f"distribution/{dataset_id}/{file['format']}",
        "@type": "dcat:Distribution",
        "dcat:accessURL": address,
        "dcat:downloadURL": address,
        "dcat:mediaType": {"@id": _MEDIA_TYPES[file["format"]]},
        "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(file["bytes"])},
        "dct:license": _licence(),
        **({"dct:description": _chinese(formulas.NOTE)} if file["format"] == "csv" else {}),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": file["sha256"]},
        },
    }


def _chinese(said: str) -> dict[str, str]:
    return {"@language": "zh", "@value": said}


def _agent(name: str) -> dict[str, Any]:
    return {"@type": "foaf:Organization", "foaf:name": _chinese(name)}


def _licence() -> dict[str, Any]:
    return {"@type": "dct:LicenseDocument", "dct:title": _chinese(terms()["licence"])}


def _day(day: date) -> dict[str, str]:
    return {"@type": "xsd:date", "@value": day.isoformat()}
