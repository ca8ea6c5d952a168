"""Questions to the object store: what its refusals mean, and when two clocks agree."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from lakehouse_assets.services.doctor.bucket import BODY, ask_bucket, ask_clock, skew_seconds
from lakehouse_assets.settings import Settings, StorageSettings
from lakehouse_assets_tests.services.doctor.conftest import ailment

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(settings: Settings, endpoint: str) -> Settings:
    storage = StorageSettings(warehouse="s3://lakehouse/warehouse", endpoint=endpoint)
    return settings.model_copy(update={"storage": storage})


def refusal(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>said the store</Message></Error>"


class Refusing(dict[str, tuple[int, str]]):
    """The same answer on every path."""

    def get(self, path: str, default: object = None) -> tuple[int, str]:  # type: ignore[override]
        return self[""]


class Store:
    """A store that keeps what is put, whatever it says of it, and answers certain methods with a status."""

    def __init__(self, **answered: int) -> None:
        self.answered = answered
        self.kept: set[str] = set()

    def __call__(self, method: str, path: str) -> tuple[int, str]:
        if method == "PUT":
            self.kept.add(path)
        if status := self.answered.get(method):
            return status, refusal("AccessDenied")
        if method == "DELETE":
            self.kept.discard(path)
            return 204, ""
        return 200, BODY.decode() if method == "GET" else ""


@pytest.mark.parametrize(
    ("status", "code", "what", "fix"),
    [
        (404, "NoSuchBucket", "there is no bucket lakehouse", "make it, or correct storage.warehouse"),
        (403, "SignatureDoesNotMatch", "put is refused (SignatureDoesNotMatch)", "set AWS_ACCESS_KEY_ID"),
        (403, "AccessDenied", "put is refused (AccessDenied)", "may put, get and delete in lakehouse"),
        (403, "RequestTimeTooSkewed", "put is refused: the clocks differ", "see the line of the clock"),
    ],
)
def test_a_refusal_says_what_to_do(
    status: int, code: str, what: str, fix: str, serve: Callable[..., str], production: Settings
) -> None:
    settings = at(production, serve(Refusing({"": (status, refusal(code))})))
    said, do = ailment(lambda: ask_bucket(settings))
    assert said == what
    assert fix in do


def test_a_refusal_that_nobody_knows_is_told_in_the_store_s_own_words(
    serve: Callable[..., str], production: Settings
) -> None:
    settings = at(production, serve(Refusing({"": (400, refusal("OddRequest"))})))
    assert ailment(lambda: ask_bucket(settings))[0] == "put failed: OddRequest said the store"


def test_what_was_put_is_got_and_deleted(serve: Callable[..., str], production: Settings) -> None:
    store = Store()
    assert ask_bucket(at(production, serve(store))) == "put, get and delete succeed"
    assert store.kept == set()


@pytest.mark.parametrize(("method", "status", "step"), [("GET", 403, "get"), ("GET", 500, "get"), ("PUT", 500, "put")])
def test_nothing_stays_behind_where_a_step_before_the_deletion_fails(
    method: str, status: int, step: str, serve: Callable[..., str], production: Settings
) -> None:
    store = Store(**{method: status})
    what, _ = ailment(lambda: ask_bucket(at(production, serve(store))))
    assert what == f"{step} is refused (AccessDenied)"
    assert store.kept == set()


def test_an_object_that_can_be_neither_got_nor_deleted_is_named(
    serve: Callable[..., str], production: Settings
) -> None:
    store = Store(GET=403, DELETE=403)
    what, fix = ailment(lambda: ask_bucket(at(production, serve(store))))
    (left,) = store.kept
    assert what == f"get is refused (AccessDenied), and then delete is refused (AccessDenied): {left[1:]} is left"
    assert "may put, get and delete in lakehouse" in fix
    assert fix.endswith("delete it then")


def test_an_object_that_cannot_be_deleted_is_named(serve: Callable[..., str], production: Settings) -> None:
    store = Store(DELETE=403)
    what, fix = ailment(lambda: ask_bucket(at(production, serve(store))))
    (left,) = store.kept
    assert what == f"delete is refused (AccessDenied): {left[1:]} is left"
    assert fix.endswith("delete it then")


@pytest.mark.parametrize(
    ("theirs", "seconds"),
    [(NOON, 0.0), (NOON - timedelta(seconds=1), 0.0), (NOON - timedelta(seconds=61), 60.0),
     (NOON + timedelta(seconds=2), 0.0), (NOON + timedelta(seconds=62), 60.0)],
)  # fmt: skip
def test_the_skew_is_what_the_question_itself_does_not_explain(theirs: datetime, seconds: float) -> None:
    said = format_datetime(theirs, usegmt=True)
    assert skew_seconds(said, NOON, NOON + timedelta(seconds=2)) == seconds


def test_clocks_that_differ_are_noticed_even_where_the_answer_is_a_refusal(
    serve: Callable[..., str], production: Settings
) -> None:
    def date(offset: float) -> str:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)

    answers = Refusing({"": (403, "")})
    assert ask_clock(at(production, serve(answers, Date=date(0)))) == "agrees within 1 s"
    for offset in (-600, 600):
        what, fix = ailment(lambda o=offset: ask_clock(at(production, serve(answers, Date=date(o)))))  # type: ignore[misc]
        assert what.startswith("this machine and the store differ by ")
        assert "time server" in fix
    assert ailment(lambda: ask_clock(at(production, serve(answers))))[0] == "the answer has no Date"
