"""Which rows the chain records, and what people call them."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Recorded:
    """A table whose rows are links of the chain.

    Attributes:
        relation: schema and table.
        keys: the columns that name a row.
        word: what a row is called.
        due: SQL condition on the rows that are settled: a link must exist for them.
        settling: a column that this link covers, where a row has earlier links.
    """

    relation: str
    keys: tuple[str, ...]
    word: str
    due: str = "true"
    settling: str | None = None


RECORDED: tuple[Recorded, ...] = (
    Recorded("catalogue.contract", ("contract_id",), "数据契约"),
    Recorded("quality.batch", ("batch_id",), "批次", "status not in ('received', 'staged')", "status"),
    Recorded("quality.batch_file", ("batch_id", "file_no"), "报送文件登记"),
    Recorded("quality.event", ("seq",), "入库、放行与退回"),
    Recorded("quality.closing_total", ("closing_total_id",), "版本关闭合计"),
    Recorded("quality.access_grant", ("grant_id",), "授权与收回"),
    Recorded("catalogue.share_request", ("request_id",), "共享申请"),
    Recorded("catalogue.share_decision", ("decision_id",), "共享答复"),
    Recorded("catalogue.open_release", ("release_id",), "开放数据发布"),
    Recorded("quality.objection_raised", ("objection_id",), "异议"),
    Recorded("quality.objection_decision", ("decision_id",), "异议处理"),
    Recorded("quality.objection_observation", ("observation_id",), "异议更正"),
    Recorded("quality.key_rotation", ("rotation_id",), "密钥更换"),
    Recorded("quality.erasure", ("erasure_id",), "依法删除"),
    Recorded("quality.erased_row", ("erasure_id", "batch_id"), "依法删除涉及的批次"),
    Recorded("quality.redacted_file", ("old_sha256",), "归档文件改写"),
    Recorded("mart.rule_file", ("rule_version", "path"), "规则文件"),
    Recorded("mart.run", ("run_id",), "已发布的评分", "state = 'published'"),
)


def shown(record: str) -> str:
    """Return a link's key as people read it: `17`, `3/1`."""
    return "/".join(str(part) for part in json.loads(record))
