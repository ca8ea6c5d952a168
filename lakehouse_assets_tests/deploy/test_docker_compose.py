"""What docker-compose.yml promises: pinned, limited, healthy, closed to the outside, no secret but from .env."""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.native.compose import COMPOSE_FILE, read_services
from deploy.native.env_file import EXAMPLE, read_env_file
from deploy.native.errors import StackError
from deploy.native.programs import PROGRAMS
from lakehouse_assets_tests.paths import PROJECT

PAGES = {"lakehouse", "ml", "bi", "monitoring"}
PROFILES = {*PAGES, "rest"}
DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
SECRETS = sorted(name for name, value in read_env_file(EXAMPLE).items() if not value)
FILLED = {name: value or f"secret-{name.lower()}" for name, value in read_env_file(EXAMPLE).items()}
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|AUTH$|TOKEN")
AT_HOME = re.compile(r"127\.0\.0\.1[:/](\d+)")

each_service = pytest.mark.parametrize("name", SERVICES)


@each_service
def test_a_service_has_a_version_limits_a_restart_policy_and_a_profile(name: str) -> None:
    service = SERVICES[name]
    image, _, version = service["image"].rpartition(":")
    assert image
    assert re.fullmatch(r"v?\d+(\.\d+)*", version)
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert service["restart"] == ("no" if name == "lake-init" else "unless-stopped")
    assert set(service["profiles"]) <= PROFILES
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]


@each_service
def test_a_service_that_stays_has_a_health_check_of_programs_in_its_image(name: str) -> None:
    service = SERVICES[name]
    if name == "lake-init":
        assert "healthcheck" not in service
        return
    assert set(service["healthcheck"]) == {"test", "interval", "timeout", "retries", "start_period"}
    kind, program, *_ = service["healthcheck"]["test"]
    assert kind == "CMD"
    in_image = {
        "lakehouse-assets": {"python", "dagster", "dagster-daemon"},
        "lakehouse-superset": {"python"},
        "postgres": {"pg_isready"},
        "chrislusf/seaweedfs": {"/bin/sh"},
        "ghcr.io/projectnessie/nessie": {"bash"},
        "trinodb/trino": {"/usr/lib/trino/bin/health-check"},
        "valkey/valkey": {"valkey-cli"},
        "prom/prometheus": {"wget"},
        "grafana/grafana": {"wget"},
        "caddy": {"wget"},
    }
    assert program in in_image[service["image"].rpartition(":")[0]]


@each_service
def test_a_service_waits_until_what_it_needs_is_healthy_or_done(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        done = SERVICES[needed]["restart"] == "no"
        assert how == {"condition": "service_completed_successfully" if done else "service_healthy"}


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_profile_starts_alone(profile: str) -> None:
    inside = {name for name, service in SERVICES.items() if profile in service["profiles"]}
    assert ("proxy" in inside) == (profile in PAGES)
    outside = {(name, need) for name in inside for need in SERVICES[name].get("depends_on", {}) if need not in inside}
    assert not outside


def test_only_the_proxy_listens_beyond_this_machine() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert published.pop("proxy") == "${PROXY_PORT:-443}:8443"
    assert all(port.startswith("127.0.0.1:") for port in published.values()), published
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_pages_that_send_any_request_reach_only_what_they_need() -> None:
    joined = {name: set(service.get("networks", ["default"])) for name, service in SERVICES.items()}
    reached = {
        page: {name for name in SERVICES if name != page and joined[name] & joined[page]}
        for page in ("superset", "grafana")
    }
    assert reached == {"superset": {"redis", "postgres", "trino", "proxy"}, "grafana": {"prometheus", "proxy"}}
    for name, service in SERVICES.items():
        assert all(joined[name] & joined[need] for need in service.get("depends_on", {})), name
    assert set(DOCUMENT["networks"]) | {"default"} == set().union(*joined.values())


def test_a_port_means_the_same_service_inside_outside_and_without_docker() -> None:
    services = read_services(FILLED)
    ports = Counter(port for service in services.values() for port in service.ports)
    assert set(ports.values()) == {1}
    for name, service in SERVICES.items():
        for port in service.get("ports", ()) if name != "proxy" else ():
            _, outside, inside = port.split(":")
            assert outside == inside
    assert services["trino"].ports == (8080,)
    assert services["dagster-webserver"].ports == (8082,)
    assert services["mlflow"].ports == (5000,)
    assert services["spark-worker"].ports == (8181, 7078)
    checks = " ".join(part for one in services.values() if one.health for part in one.health.test)
    assert {int(port) for port in AT_HOME.findall(checks)} <= ports.keys()


def test_the_daemons_of_spark_have_a_heap_of_half_of_what_the_master_is_given_at_most() -> None:
    assert SERVICES["spark-master"]["deploy"]["resources"]["limits"]["memory"] == "1g"
    services = read_services(FILLED)
    for name in ("spark-master", "spark-worker"):
        assert services[name].environment["SPARK_DAEMON_MEMORY"] == "512m"


def test_the_catalog_is_sql_unless_the_environment_file_asks_for_the_rest_server() -> None:
    """Whoever opens tables is told at once: the pipeline, Spark's server and Trino."""
    usual = read_services(FILLED)
    address = "http://nessie:19120/iceberg"
    on_rest = read_services({**FILLED, "CATALOG_TYPE": "rest", "CATALOG_URI": address})
    for name in ("dagster-code", "spark-connect"):
        known = usual[name].environment
        assert (known["LAKEHOUSE_CATALOG__TYPE"], known["LAKEHOUSE_CATALOG__URI"][:10]) == ("sql", "postgresql")
        asked = on_rest[name].environment
        assert (asked["LAKEHOUSE_CATALOG__TYPE"], asked["LAKEHOUSE_CATALOG__URI"]) == ("rest", address)
    assert on_rest["trino"].environment["CATALOG_REST_URL"] == address
    for services, kind in ((usual, "sql"), (on_rest, "rest")):
        assert services["trino"].environment["CATALOG_TYPE"] == kind
        folder = PROJECT / "deploy" / "trino" / "catalogs" / kind
        assert {path.name for path in folder.iterdir()} == {"hive_prod.properties", "hive_read.properties"}
        assert "iceberg.security=read_only" in (folder / "hive_read.properties").read_text(encoding="utf-8")
        assert (
            f"iceberg.catalog.type={ {'sql': 'jdbc'}.get(kind, kind) }" in (folder / "hive_prod.properties").read_text()
        )


def test_nessie_keeps_what_it_knows_and_hands_out_no_keys() -> None:
    said = dict(
        line.split("=", 1)
        for line in (PROJECT / "deploy" / "nessie" / "application.properties").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert said["nessie.version.store.type"] == "JDBC2"  # its default forgets everything when it stops
    assert said["nessie.catalog.service.s3.default-options.request-signing-enabled"] == "false"
    assert said["quarkus.management.host"] == "127.0.0.1"
    assert SERVICES["nessie"]["profiles"] == ["rest"]


def test_the_object_store_opens_s3_alone() -> None:
    assert SERVICES["seaweedfs"]["ports"] == ["127.0.0.1:8333:8333"]
    start = (PROJECT / "deploy" / "seaweedfs" / "start.sh").read_text(encoding="utf-8")
    assert "-ip=127.0.0.1 -ip.bind=127.0.0.1" in start
    opened = re.findall(r"-(\S+)=0\.0\.0\.0", start)
    assert opened == ["metricsIp", "s3.ip.bind"]
    assert "-s3.config=/run/seaweedfs/s3.json" in start
    assert "-master.telemetry=false" in start


def test_what_is_mounted_is_there_and_read_only() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source, target, *mode = mount.split(":")
            if source.startswith("."):
                assert (PROJECT / source).exists(), (name, source)
                assert mode == ["ro"], (name, target)
            else:
                assert source in DOCUMENT["volumes"], (name, source)
        if "build" in service:
            context = PROJECT / service["build"]["context"]
            assert (context / service["build"].get("dockerfile", "Dockerfile")).is_file()


@pytest.mark.parametrize("secret", SECRETS)
def test_an_empty_secret_is_refused(secret: str) -> None:
    assert read_services(FILLED)
    with pytest.raises(StackError, match=f"{secret} is not set: see .env.example"):
        read_services({**FILLED, secret: ""})


def test_each_secret_comes_from_the_environment_file_and_has_no_default() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET_WORDS.search(variable) and variable != "GF_AUTH_ANONYMOUS_ENABLED":
                assert re.fullmatch(r"\$\{[A-Z0-9_]+:\?see \.env\.example\}", str(value)), (name, variable)
    asked = set(re.findall(r"\$\{([A-Z0-9_]+):\?", COMPOSE_FILE.read_text(encoding="utf-8")))
    assert asked == {*SECRETS, "SITE_DOMAIN"}


def test_no_mounted_file_holds_a_secret_of_its_own() -> None:
    kinds = {".properties", ".yml", ".yaml", ".json", ".conf"}
    files = [path for path in (PROJECT / "deploy").rglob("*") if path.is_file() and path.suffix in kinds]
    pointer = "urn:nessie-secret:quarkus:"  # names the setting that holds it
    assigned = re.compile(r"""(?i)(password|secret|access-key)[\w.-]*"?\s*[=:]\s*(?!\$\{|"")[^\s{]""")
    assert assigned.search("s3.aws-access-key=AKIA123")
    assert assigned.search('password: "swordfish"')
    found = [
        f"{path.name}: {line}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if assigned.search(line.partition(pointer)[0])
    ]
    assert not found


def test_the_images_carry_the_versions_of_the_lock() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert SERVICES["mlflow"]["image"] == f"lakehouse-assets:{version}"
    locked = set(re.findall(r"(?m)^(\S+==\S+) ", (PROJECT / "requirements" / "runtime.lock").read_text()))
    superset = re.findall(r"(?m)^(\S+==\S+) ", (PROJECT / "deploy" / "superset" / "requirements.lock").read_text())
    assert superset
    assert set(superset) <= locked


@pytest.mark.parametrize("folder", ["image", "superset"])
def test_the_images_are_built_as_the_linter_of_dockerfiles_likes_it(folder: str) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    file = PROJECT / "deploy" / folder / "Dockerfile"
    run = subprocess.run([linter, "--failure-threshold", "warning", "--no-color", file], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_project_s_image_runs_as_nobody_in_particular_and_is_given_no_secret() -> None:
    text = (PROJECT / "deploy" / "image" / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^USER (\S+)$", text) == ["10001"]
    assert "--require-hashes" in text
    sent = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in sent
    assert not any(".env" in line for line in sent if line.startswith("!"))
    copied = {
        Path(source).parts[0] for line in re.findall(r"(?m)^COPY (?!--)(.+) \S+$", text) for source in line.split()
    }
    allowed = {Path(line[1:]).parts[0] for line in sent if line.startswith("!")}
    assert copied <= allowed


def test_the_dashboards_ask_the_provisioned_source() -> None:
    for path in (PROJECT / "deploy" / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        assert board["uid"]
        assert board["title"]
        assert board["panels"]
        for panel in board["panels"]:
            assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
            assert all(target["expr"] for target in panel["targets"])


def test_what_needs_docker_is_known() -> None:
    only_there = {name for name, service in read_services(FILLED).items() if service.program not in PROGRAMS}
    assert only_there == {"grafana", "superset"}


def test_services_are_read_in_the_order_of_their_needs() -> None:
    services = read_services(FILLED)
    names = list(services)
    assert set(names) == set(SERVICES)
    for name, service in services.items():
        assert all(names.index(need) < names.index(name) for need in service.needs)
    code = services["dagster-code"]
    assert code.environment["LAKEHOUSE_CATALOG__PASSWORD"] == "secret-catalog_password"
    assert code.health is not None
    assert code.health.patience == 60 + 8 * (15 + 20)
    assert services["lake-init"].runs_once
    assert services["postgres"].stop_seconds == 60


def test_services_that_need_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(
        "services:\n"
        "  one: {image: 'a:1', profiles: [x], depends_on: {two: {}}}\n"
        "  two: {image: 'a:1', profiles: [x], depends_on: {one: {}}}\n"
    )
    with pytest.raises(StackError, match="one -> two -> one"):
        read_services({}, file)


def test_a_command_in_one_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services:\n  one: {image: 'a:1', profiles: [x], command: 'sleep 1'}\n")
    with pytest.raises(StackError, match="'sleep 1' as a list"):
        read_services({}, file)
