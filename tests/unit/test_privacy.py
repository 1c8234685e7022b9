from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Contracts
from connectors.errors import UserError
from connectors.privacy import hmac_pads, mask_identifiers, mask_kind, record_key_secret
from connectors.settings import Settings


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("张三_371002198001010016.csv", "张三_371***********001*.csv"),
        ("３７１００２１９８００１０１００１６.csv", "371***********001*.csv"),
        ("371002800101001 旧号", "371************ 旧号"),
        ("联系13812345678速回", "联系138****5678速回"),
        ("登记_20210930153000.csv", "登记_20210930153000.csv"),
        ("20210930371002198001010016.csv", "20210930371***********001*.csv"),
        ("371002 19800101 0016", "371***********001*"),
        ("371002198001010016,371002198001010016", "371***********001*,371***********001*"),
        ("+86 138-1234-5678、8613812345678", "+86 138****5678、86138****5678"),
        ("913710007060885349", "913710007060885349"),
        ("登记（１）.csv", "登记（１）.csv"),
    ],
)
def test_identifiers_are_masked_when_they_stand_in_a_name(text: str, masked: str) -> None:
    assert mask_identifiers(text) == masked


def test_secret_is_made_once_and_private_when_first_asked_for(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    secret = record_key_secret(settings)
    assert len(bytes.fromhex(secret)) == 32
    assert record_key_secret(settings) == secret
    assert (settings.secrets / "record_key").stat().st_mode & 0o777 == 0o600
    assert settings.secrets.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in settings.secrets.iterdir()] == ["record_key"]


def test_broken_secret_is_refused_when_it_could_change_every_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.secrets.mkdir()
    path = settings.secrets / "record_key"
    path.write_text("abc", encoding="ascii")
    path.chmod(0o600)
    with pytest.raises(UserError, match="从备份恢复"):
        record_key_secret(settings)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_secret_is_refused_with_the_way_out_when_others_may_read_it(tmp_path: Path, mode: int) -> None:
    settings = Settings(home=tmp_path)
    record_key_secret(settings)
    (settings.secrets / "record_key").chmod(mode)
    with pytest.raises(UserError, match=r"chmod 600 .*rotate-key"):
        record_key_secret(settings)


@given(st.text(min_size=1, max_size=80), st.binary(max_size=300))
def test_pads_give_hmac_sha256_when_hashed_as_rfc_2104_says(secret: str, message: bytes) -> None:
    inner, outer = hmac_pads(secret)
    own = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()
    assert own == hmac.new(secret.encode(), message, hashlib.sha256).digest()


def test_mask_follows_level_and_type_of_the_column(contracts: Contracts) -> None:
    contract = contracts["market_regulation__enterprise"]
    assert mask_kind(contract, "legal_representative") == "name"
    assert mask_kind(contract, "business_scope") == "scan"
    assert mask_kind(contract, "established_on") == "typed"
