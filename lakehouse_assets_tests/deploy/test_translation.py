"""What containers call each other, and where their files lie, becomes this machine's."""

from pathlib import Path

import pytest

from deploy.native.translation import Translation

HERE = Translation(("trino", "trino-proxy", "postgres"), {"/etc/trino": Path("/s/t/etc"), "/etc": Path("/s/e")})


@pytest.mark.parametrize(
    ("inside", "here"),
    [
        ("http://trino:8080/v1", "http://127.0.0.1:8080/v1"),
        ("trino-proxy:8443", "127.0.0.1:8443"),
        ("postgresql+psycopg2://trino:12ab34cd@postgres:5432/trino", "postgresql+psycopg2://trino:12ab34cd@127.0.0.1:5432/trino"),
        ("other-trino:8080 my.trino:8080", "other-trino:8080 my.trino:8080"),
        ("trino: words", "trino: words"),
        ("bind 0.0.0.0", "bind 127.0.0.1"),
        ("file=/etc/trino/rules.json", "file=/s/t/etc/rules.json"),
        ("/etc/hosts", "/s/e/hosts"),
        ("/etc/trino-other /my/etc", "/s/e/trino-other /my/etc"),
    ],
)  # fmt: skip
def test_names_with_a_port_and_known_paths_are_translated(inside: str, here: str) -> None:
    assert HERE.text(inside) == here


def test_a_variable_that_is_a_name_is_the_host() -> None:
    assert HERE.values({"HOST": "trino", "USER": "trinos"}) == {"HOST": "127.0.0.1", "USER": "trinos"}


def test_a_program_may_have_the_name_of_a_service() -> None:
    assert HERE.words(["trino", "--host", "trino", "/etc/trino"]) == ["trino", "--host", "127.0.0.1", "/s/t/etc"]


def test_mounted_folders_are_copied_in_translation(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "catalog").mkdir(parents=True)
    (source / "__pycache__").mkdir()
    (source / "catalog" / "a.properties").write_text("url=postgres:5432\n")
    script = source / "start.sh"
    script.write_text("exec server --config /etc/trino/config\n")
    script.chmod(0o750)
    HERE.copy(source, tmp_path / "target")
    assert (tmp_path / "target" / "catalog" / "a.properties").read_text() == "url=127.0.0.1:5432\n"
    assert (tmp_path / "target" / "start.sh").read_text() == "exec server --config /s/t/etc/config\n"
    assert (tmp_path / "target" / "start.sh").stat().st_mode & 0o777 == 0o750
    assert not (tmp_path / "target" / "__pycache__").exists()


def test_without_paths_only_names_are_translated() -> None:
    assert Translation(("trino",), {}).text("trino:80 /etc") == "127.0.0.1:80 /etc"
