"""The secret of Prefect's server in the embedded stack: the user's own, or one that is made and kept."""

from pathlib import Path
from socket import create_server

import pytest

from deployments.local.given import check_given
from deployments.local.ports import free_port, remember_port
from deployments.local.prefect_login import AT_ITS_CLIENTS, AT_THE_SERVER, NAME, given_login, how_to_log_in, kept_login
from tasks.core.errors import ConfigurationError

GOOD = "admin:what-they-chose"


def test_what_the_user_has_set_for_both_sides_is_taken() -> None:
    assert given_login({AT_THE_SERVER: GOOD, AT_ITS_CLIENTS: GOOD}) == GOOD


@pytest.mark.parametrize(
    "given",
    [{}, {AT_ITS_CLIENTS: GOOD}, {AT_THE_SERVER: GOOD}, {AT_THE_SERVER: "", AT_ITS_CLIENTS: ""}],
    ids=["none", "another server's", "the server's alone", "empty"],
)
def test_one_alone_belongs_to_another_server(given: dict[str, str]) -> None:
    assert given_login(given) is None


@pytest.mark.parametrize("secret", ["admin:short", "admin:with a space in it", "admin:contraseña-larga"])
def test_a_secret_that_prefect_cannot_compare_or_anybody_guesses_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 12 characters, without spaces or accents") as refused:
        check_given({AT_THE_SERVER: secret, AT_ITS_CLIENTS: secret})
    assert secret not in str(refused.value)


def test_two_that_differ_are_refused_before_anything_is_started() -> None:
    with pytest.raises(ConfigurationError, match="differ: set both alike, or neither") as refused:
        check_given({AT_THE_SERVER: GOOD, AT_ITS_CLIENTS: f"{GOOD}-2"})
    assert GOOD not in str(refused.value)


def test_one_is_made_at_random_for_a_folder_and_stays_while_its_port_is_free(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        remember_port(folder, NAME, free_port())
    made = kept_login(here)
    assert given_login({AT_THE_SERVER: made, AT_ITS_CLIENTS: made}) == made, "Prefect takes it"
    assert kept_login(here) == made != kept_login(there)
    told = how_to_log_in(here, made, {})
    assert made in told
    assert str(here) in told


def test_one_is_made_anew_where_somebody_else_has_the_port_to_which_browsers_sent_it(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as stranger:
        remember_port(tmp_path, NAME, stranger.getsockname()[1])
        assert kept_login(tmp_path) != kept_login(tmp_path)


def test_the_users_own_secret_is_not_printed(tmp_path: Path) -> None:
    told = how_to_log_in(tmp_path, GOOD, {AT_THE_SERVER: GOOD, AT_ITS_CLIENTS: GOOD})
    assert AT_ITS_CLIENTS in told
    assert GOOD not in told
