import socket
from pathlib import Path

from weihai import ports

HOME = Path("/somewhere/home")


def occupy(port: int) -> socket.socket:
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.bind((ports.HOST, port))
    taken.listen(1)
    return taken


def test_port_is_the_same_when_the_home_is_the_same() -> None:
    assert next(ports.candidates(HOME, start=40_000)) == next(ports.candidates(HOME, start=40_000))


def test_next_port_is_offered_when_the_first_is_taken() -> None:
    first = next(ports.candidates(HOME, start=40_000))
    with occupy(first):
        assert not ports.is_free(first)
        assert next(ports.candidates(HOME, start=40_000)) != first


def test_remembered_port_comes_first_when_free_and_is_passed_over_when_taken() -> None:
    remembered = next(ports.candidates(Path("/another/home"), start=48_000))
    assert next(ports.candidates(HOME, start=40_000, remembered=remembered)) == remembered
    with occupy(remembered):
        assert remembered != next(ports.candidates(HOME, start=40_000, remembered=remembered))
