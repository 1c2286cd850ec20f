import datetime as dt

import pytest

from propensity.errors import InputError
from propensity.warehouse.suppression_file import Suppression, read_suppressions
from propensity.warehouse.suppressions import (
    RecordedSuppressions,
    find_suppressed,
    record_suppressions,
)

from .conftest import read

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


def leads(engine) -> set[int]:
    return set(read(engine, "SELECT policyholder_id FROM leads")["policyholder_id"])


def suppress(engine, *rows: Suppression, may_shorten: bool = False) -> RecordedSuppressions:
    return record_suppressions(engine, list(rows), by="ann", may_shorten=may_shorten)


def test_suppressed_leave_the_leads_at_once(engine, publish_night):
    publish_night(1)
    before = leads(engine)
    assert {4, 5} <= before
    suppress(engine, Suppression(5, "objected", TODAY, None))
    assert leads(engine) == before - {5}
    assert find_suppressed(engine).tolist() == [5]
    ranks = read(engine, "SELECT lead_rank FROM leads ORDER BY lead_rank")["lead_rank"]
    assert ranks.tolist() == [1, *range(3, 393)], "the others keep their ranks"
    assert len(read(engine, "SELECT * FROM current_scores")) == 1000, "but they keep their score"


@pytest.mark.parametrize(
    ("days_from", "days_until", "holds"),
    [(0, 0, True), (-5, -1, False), (1, None, False), (-1, 1, True)],
    ids=["today only", "over", "not yet", "in between"],
)
def test_suppressions_hold_from_until(engine, publish_night, days_from, days_until, holds):
    publish_night(1)
    today = dt.datetime.now(dt.UTC).date()  # not TODAY: midnight may have passed since
    until = None if days_until is None else today + days_until * DAY
    suppress(engine, Suppression(5, "objected", today + days_from * DAY, until))
    assert (5 not in leads(engine)) == holds
    assert (5 in find_suppressed(engine)) == holds


def test_a_time_zone_of_the_reader_changes_nothing(postgresql_url):
    from propensity.warehouse.access import open_warehouse

    engine = open_warehouse(postgresql_url)
    query = "SELECT pg_get_viewdef('leads')"
    assert "'UTC'" in read(engine, query).iloc[0, 0]


def test_the_same_file_twice_is_recorded_once(engine):
    row = Suppression(5, "objected", TODAY, None)
    suppress(engine, row)
    suppress(engine, row, Suppression(6, "objected", TODAY, None))
    suppress(engine, Suppression(5, "moved away", TODAY, TODAY + DAY), may_shorten=True)
    found = read(engine, "SELECT * FROM suppressions ORDER BY policyholder_id")
    assert found["policyholder_id"].tolist() == [5, 6]
    assert found["reason"].tolist() == ["moved away", "objected"]
    assert set(found["recorded_by"]) == {"ann"}


OBJECTED = Suppression(5, "objected (GDPR)", TODAY, None)
PAUSED = Suppression(5, "campaign pause", TODAY, TODAY)


def read_ends(engine) -> dict[str, object]:
    found = read(engine, "SELECT reason, valid_until FROM suppressions WHERE policyholder_id = 5")
    return dict(zip(found["reason"], found["valid_until"], strict=True))


@pytest.mark.parametrize("rows", [(OBJECTED, PAUSED), (PAUSED, OBJECTED)])
def test_an_objection_survives_a_pause_in_the_same_file(engine, rows):
    assert suppress(engine, *rows) == RecordedSuppressions(1, 0, 1)
    assert read_ends(engine) == {"objected (GDPR)": None}


@pytest.mark.parametrize("rows", [(OBJECTED, PAUSED), (PAUSED, OBJECTED)])
def test_an_objection_survives_a_pause_in_another_file(engine, rows):
    first, second = rows
    assert suppress(engine, first) == RecordedSuppressions(1, 0, 0)
    is_longer = second == OBJECTED
    assert suppress(engine, second) == RecordedSuppressions(is_longer, 0, not is_longer)
    assert read_ends(engine) == {"objected (GDPR)": None}


def test_a_suppression_is_ended_on_purpose_only(engine):
    suppress(engine, OBJECTED)
    other = Suppression(6, "objected", TODAY, None)
    assert suppress(engine, PAUSED, other, may_shorten=True) == RecordedSuppressions(1, 1, 0)
    assert [str(end)[:10] for end in read_ends(engine).values()] == [str(TODAY)]
    assert suppress(engine, PAUSED, may_shorten=True) == RecordedSuppressions(0, 0, 1)


def test_a_later_objection_is_kept_beside_what_ends(engine):
    ending = Suppression(5, "pause", TODAY - DAY, TODAY)
    suppress(engine, ending)
    assert suppress(engine, OBJECTED) == RecordedSuppressions(1, 0, 0)
    assert set(read_ends(engine)) == {"pause", "objected (GDPR)"}


def test_many_are_recorded(engine):
    suppress(engine, *(Suppression(i, "objected", TODAY, None) for i in range(25_000)))
    assert len(find_suppressed(engine)) == 25_000


def test_a_file_is_read(tmp_path):
    path = tmp_path / "objections.csv"
    path.write_text(
        "policyholder_id,reason,valid_from,valid_until\n"
        '7,"objected, by letter",2026-11-01,2027-11-01\n8,moved,,\n',
        encoding="utf-8",
    )
    assert read_suppressions(path) == [
        Suppression(7, "objected, by letter", dt.date(2026, 11, 1), dt.date(2027, 11, 1)),
        Suppression(8, "moved", dt.datetime.now(dt.UTC).date(), None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("policyholder_id\n7\n", "found columns policyholder_id. Expected policyholder_id, reason"),
        ("", "line 1: found columns none"),
        ("policyholder_id,reason,until\n7,x,2026-01-01\n", "line 1: found columns"),
        ("policyholder_id,reason\n7,x\nseven,x\n", "line 3, column policyholder_id: 'seven'"),
        ("policyholder_id,reason\n7\n", "line 2, column reason: ''"),
        ("policyholder_id,reason\n7,x,9\n", "line 2: more values than columns"),
        ("policyholder_id,reason\n99999999999999999999,x\n", "column policyholder_id"),
        ("policyholder_id,reason,valid_from\n7,x,1.11.2026\n", "column valid_from: '1.11.2026'"),
        (
            "policyholder_id,reason,valid_from,valid_until\n7,x,2026-02-01,2026-01-01\n",
            "column valid_until: '2026-01-01'",
        ),
    ],
)
def test_a_bad_file_is_refused_where_it_is_bad(tmp_path, text, message):
    path = tmp_path / "objections.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="Nothing was changed") as refused:
        read_suppressions(path)
    assert message in str(refused.value)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_suppressions(tmp_path / "none.csv")
