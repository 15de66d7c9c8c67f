"""The secret of Prefect's server in the embedded stack: the user's own, or one that is made and kept."""

import stat
from pathlib import Path

import pytest

from deployments.local.given import check_given
from deployments.local.prefect_login import AT_ITS_CLIENTS, AT_THE_SERVER, given_login, how_to_log_in, kept_login
from tasks.errors import ConfigurationError

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


def test_one_is_made_at_random_once_for_a_folder_and_nobody_else_reads_it(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    made = kept_login(here)
    assert given_login({AT_THE_SERVER: made, AT_ITS_CLIENTS: made}) == made, "Prefect takes it"
    assert kept_login(here) == made != kept_login(there)
    (kept,) = here.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert made in how_to_log_in(here, {})
    assert str(kept) in how_to_log_in(here, {})


def test_what_a_kill_left_half_written_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "prefect-login.draft").write_text("admin:ha")
    assert len(kept_login(tmp_path)) > 30


def test_the_users_own_secret_is_not_printed(tmp_path: Path) -> None:
    told = how_to_log_in(tmp_path, {AT_THE_SERVER: GOOD, AT_ITS_CLIENTS: GOOD})
    assert AT_ITS_CLIENTS in told
    assert GOOD not in told
