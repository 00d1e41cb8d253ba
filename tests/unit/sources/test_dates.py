"""Times as wires write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.dates import FOREVER, parse_rfc822, parse_rfc3339, publication, release


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-03-24T11:00:00Z", utc(2023, 3, 24, 11)),
        ("2023-03-24t11:00:00z", utc(2023, 3, 24, 11)),
        ("2023-03-24 11:00:00+05:30", utc(2023, 3, 24, 5, 30)),
        ("2023-03-24T11:00:00-0800", utc(2023, 3, 24, 19)),
        ("2023-03-24T11:00Z", utc(2023, 3, 24, 11)),
        ("1987-02-26T15:01:01.79Z", utc(1987, 2, 26, 15, 1, 1, 790_000)),
        ("2023-03-24T11:00:00.1234567899Z", utc(2023, 3, 24, 11, 0, 0, 123_456)),
        ("0001-01-01T00:00:00Z", utc(1, 1, 1)),
        ("9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59)),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1)),
        ("2017-01-01T05:29:60.5+05:30", utc(2017, 1, 1, 0, 0, 0, 500_000)),
        ("  2023-03-24T11:00:00Z ", utc(2023, 3, 24, 11)),
    ],
)
def test_rfc3339(text: str, time: datetime) -> None:
    moment = parse_rfc3339(text)
    assert (moment.time, moment.precision, moment.zoned) == (time, "time", True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1679655600",
        "20230324",
        "2023-3-24",
        "24/03/2023",
        "2023-02-29",
        "2023-13-01",
        "2023-03-24T",
        "2023-03-24T24:00:00Z",
        "2023-03-24T11:60:00Z",
        "2023-03-24T11:00:61Z",
        "2023-03-24T11:00:60Z",
        "2023-03-24T11:00:00+24:00",
        "2023-03-24T11:00:00+05:60",
        "2023-03-24T11:00:00 UTC",
        "2023-03-24T11:00:00ZZ",
        "2023-03-24Z",
        "0000-01-01",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "12023-03-24",
        "２０２３-03-24",
        "2023-03-24T11:00:00Z\0",
    ],
)
def test_what_is_no_rfc3339_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc3339(text)


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))))
def test_every_time_that_python_writes_is_read(time: datetime) -> None:
    try:
        expected = time.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError):
            parse_rfc3339(time.isoformat())
        return
    assert parse_rfc3339(time.isoformat()).time == expected


@given(st.dates())
def test_a_date_alone_is_its_midnight(day: date) -> None:
    moment = parse_rfc3339(day.isoformat())
    assert (moment.time.date(), moment.time.hour, moment.precision) == (day, 0, "date")
    assert publication(moment) == (moment.time, "date")


@given(st.text())
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    for parse in (parse_rfc3339, parse_rfc822):
        try:
            assert parse(text).time.tzinfo is UTC
        except ValueError:
            pass


@pytest.mark.parametrize(
    ("text", "time", "zoned"),
    [
        ("Fri, 24 Mar 2023 11:00:00 GMT", utc(2023, 3, 24, 11), True),
        ("Fri, 24 Mar 2023 11:00:00 +0200", utc(2023, 3, 24, 9), True),
        ("24 Mar 23 11:00 EST", utc(2023, 3, 24, 16), True),
        ("Fri, 24 Mar 2023 11:00:00 CEST", utc(2023, 3, 24, 11), False),
        ("Fri, 24 Mar 2023 11:00:00", utc(2023, 3, 24, 11), False),
    ],
)
def test_rfc822(text: str, time: datetime, zoned: bool) -> None:
    moment = parse_rfc822(text)
    assert (moment.time, moment.zoned) == (time, zoned)


@pytest.mark.parametrize(
    "text", ["", "Fri", "Fri, 31 Feb 2023 11:00:00 GMT", "24 Mar 2023 25:00:00 GMT", "24 Foo 2023 11:00:00 GMT"]
)
def test_what_is_no_rfc822_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc822(text)


def test_a_time_without_an_offset_is_known_to_the_day() -> None:
    assert publication(parse_rfc3339("2023-03-24T22:15:00")) == (utc(2023, 3, 24), "date")


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("2023-03-25T00:00:00+02:00", utc(2023, 3, 24, 22)),
        ("2023-03-25T00:00:00", utc(2023, 3, 25, 12)),
        ("2023-03-25", utc(2023, 3, 25, 12)),
        ("9999-12-31", utc(9999, 12, 31, 12)),
        ("9999-12-31T13:00:00", FOREVER),
        ("until called", FOREVER),
        (1679655600, FOREVER),
    ],
)
def test_an_embargo_never_ends_too_early(value: object, end: datetime) -> None:
    assert release(value) == end
