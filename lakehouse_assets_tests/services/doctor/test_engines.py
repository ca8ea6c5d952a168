"""Questions to Spark and Trino, as far as they can be asked without them; the others are in `stack/`."""

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.lake.engines import EngineFailed, ForeignName
from lakehouse_assets.services.doctor import engines
from lakehouse_assets.services.doctor.engines import JARS, ask_spark, ask_trino, make_and_drop
from lakehouse_assets.settings import EngineSettings, Settings, SparkSettings, TrinoSettings
from lakehouse_assets_tests.services.doctor.conftest import ailment, not_asked


def trino_at(port: int) -> Settings:
    return Settings(trino=TrinoSettings(port=port))


def spark(master: str = "local[2]", jars: Path | None = None) -> Settings:
    return Settings(
        engine=EngineSettings(name="spark"), spark=SparkSettings(master=master, jars=str(jars) if jars else None)
    )


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A Java that says it is of a release."""

    def install(release: str) -> None:
        program = tmp_path / "jdk" / "bin" / "java"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{release}\" 2025-04-15' >&2\n")
        program.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(program.parent.parent))

    return install


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in JARS:
        (folder / f"{name}-1.0.jar").touch()
    return folder


def test_an_engine_that_no_table_is_given_to_is_not_asked() -> None:
    assert 'would say "trino"' in not_asked(lambda: ask_trino(Settings()))
    assert 'would say "spark"' in not_asked(lambda: ask_spark(Settings()))


def test_an_engine_of_one_table_is_asked(closed: int) -> None:
    one = EngineSettings(assets={"gold_put_call_ratios": "trino"})
    settings = Settings(engine=one, trino=TrinoSettings(port=closed))
    assert ailment(lambda: ask_trino(settings)) == (
        "does not answer",
        "start Trino there, or correct trino.host and trino.port",
    )


@pytest.mark.parametrize(
    ("info", "what"),
    [
        ({"nodeVersion": {"version": "448"}, "starting": False}, "is Trino 448"),
        ({"nodeVersion": {"version": "483"}, "starting": True}, "is still starting"),
        ({"hello": "world"}, "does not answer as Trino does: KeyError"),
    ],
)
def test_what_answers_must_be_a_trino_that_is_new_enough_and_up(
    info: object, what: str, serve: Callable[..., str]
) -> None:
    port = int(serve({"/v1/info": (200, json.dumps(info))}).rpartition(":")[2])
    assert ailment(lambda: ask_trino(trino_at(port)))[0] == what


class Refusing:
    """An engine that refuses the statements that begin with certain words, and remembers what it was asked."""

    name: ForeignName = "trino"

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []

    def rows(self, text: str) -> Sequence[tuple[Any, ...]]:
        self.run(text)
        return []

    def run(self, text: str) -> None:
        self.asked.append(words := " ".join(text.split()[:2]))
        if words in self.refused:
            raise EngineFailed(f"{words} is refused")


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (("CREATE SCHEMA",), "CREATE SCHEMA"),
        (("INSERT INTO",), "INSERT INTO"),
        (("INSERT INTO", "DROP TABLE"), "INSERT INTO"),
        (("CREATE TABLE", "DROP SCHEMA"), "CREATE TABLE"),
        (("DROP SCHEMA",), "DROP SCHEMA"),
    ],
)
def test_of_what_trino_refuses_the_first_is_told(refused: tuple[str, ...], told: str) -> None:
    trino = Refusing(*refused)
    with pytest.raises(EngineFailed, match=f"{told} is refused"):
        make_and_drop(trino, "hive_prod.doctor")
    assert ("DROP TABLE" in trino.asked) == (told != "CREATE SCHEMA")


def test_what_the_doctor_made_it_drops() -> None:
    make_and_drop(trino := Refusing(), "hive_prod.doctor")
    assert trino.asked == ["CREATE SCHEMA", "CREATE TABLE", "INSERT INTO", "DROP TABLE", "DROP SCHEMA"]


def test_spark_needs_java_of_a_release(java: Callable[[str], None], jars: Path) -> None:
    java("17.0.15")
    assert ask_spark(spark(jars=jars)) == f"Java 17, Iceberg's jars in {jars}"
    for old in ("1.8.0_392", "11.0.2"):
        java(old)
        assert ailment(lambda: ask_spark(spark(jars=jars)))[0] in ("java is 8", "java is 11")


def test_there_may_be_no_java_at_all(jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    what, fix = ailment(lambda: ask_spark(spark(jars=jars)))
    assert what == f"there is no {tmp_path}/bin/java"
    assert "JAVA_HOME" in fix


def test_a_missing_jar_is_named(java: Callable[[str], None], jars: Path) -> None:
    java("21.0.1")
    (jars / f"{JARS[1]}-1.0.jar").unlink()
    what, fix = ailment(lambda: ask_spark(spark(jars=jars)))
    assert what == f"{jars} has no iceberg-aws-bundle"
    assert "LAKEHOUSE_SPARK__JARS" in fix


def test_spark_s_own_configuration_may_name_the_jars(
    java: Callable[[str], None], jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java("17.0.15")
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)
    assert ailment(lambda: ask_spark(spark()))[0].startswith("neither spark.jars nor spark-defaults.conf")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    (tmp_path / "spark-defaults.conf").write_text(f"spark.driver.extraClassPath            {jars}/*\n")
    assert ask_spark(spark()) == f"Java 17, Iceberg's jars in {jars}"


def test_a_master_that_does_not_answer_is_named(java: Callable[[str], None], jars: Path, closed: int) -> None:
    java("17.0.15")
    what, fix = ailment(lambda: ask_spark(spark(f"spark://127.0.0.1:{closed}", jars)))
    assert what.startswith(f"127.0.0.1:{closed} does not answer")
    assert "spark.master" in fix
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        assert ask_spark(spark(f"spark://127.0.0.1:{port}", jars)).startswith("Java 17")


@pytest.mark.parametrize("master", ["sc://127.0.0.1", "sc://127.0.0.1/;token=x", "sc://127.0.0.1:{port}/;token=x"])
def test_a_connect_server_without_a_port_is_looked_for_at_the_usual_one(
    master: str, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(address: str) -> str:
        asked.append(address)
        return "it answers"

    monkeypatch.setattr(engines, "ask_connect", answer)
    monkeypatch.setattr(engines, "CONNECT_PORT", closed)
    silent = spark(master.format(port=closed))
    assert ailment(lambda: ask_spark(silent))[0].startswith(f"127.0.0.1:{closed} does not answer")
    assert asked == []
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        monkeypatch.setattr(engines, "CONNECT_PORT", port)
        assert ask_spark(spark(master.format(port=port))) == "it answers"
    assert asked == [master.format(port=port)]


def test_a_server_of_another_kind_is_no_connect_server(serve: Callable[..., str]) -> None:
    address = serve({}).replace("http://", "sc://")
    assert ailment(lambda: ask_spark(spark(address)))[0].startswith("does not answer as a Connect server does")
