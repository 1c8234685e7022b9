"""Any table of any contract, in any format, is read to the row or answered in a sentence."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, event, given, note
from hypothesis import settings as examples

from connectors.headers import HeaderError
from connectors.readers import UnreadableFileError, open_file
from connectors.settings import Limits
from connectors.tables import find_tables
from tests.soak.examination import account
from tests.soak.tables import Delivered, deliveries
from tests.unit.delivered_files import write

# the soak tries others, and more of them
EXAMPLES = 25 if examples.get_current_profile_name() == "suite" else 1000


@examples(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries())
def test_every_row_is_found_under_its_own_number_when_a_table_comes_in_any_form(delivered: Delivered) -> None:
    note(f"{delivered.written}: {delivered.content[:3000]!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), delivered.content)
        try:
            file = open_file(path, limits=Limits())
            [table] = find_tables(file, [delivered.contract])
            found = account(file, table)
        except (UnreadableFileError, HeaderError) as error:
            answer = str(error)
        else:
            answer = ""
    event("answered" if answer else "read")
    if answer:
        assert answer.endswith("。")
        assert not delivered.is_clean, answer
        return
    assert found.physical == delivered.physical
    for row_no, key in found.accepted:
        if row_no in delivered.keys:
            assert key == delivered.keys[row_no]
    assert {key for _, key in found.accepted} >= (set(delivered.keys.values()) if delivered.is_clean else set())
    misplaced = {k: n for n, k in found.accepted if k in set(delivered.keys.values()) and delivered.keys.get(n) != k}
    assert misplaced == {}
