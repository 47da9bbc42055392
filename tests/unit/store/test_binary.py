"""Our encoding against the driver's and the server's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import pq

from reception.errors import AppError
from reception.store import binary
from reception.store.embedded import EmbeddedServer

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have no zone there


@settings(max_examples=60)
@given(TEXTS, st.lists(st.binary()), st.lists(st.integers(-(2**31), 2**31 - 1)), st.lists(MOMENTS))
def test_the_server_reads_what_we_write(
    connection: psycopg.Connection,
    texts: list[str],
    blobs: list[bytes],
    numbers: list[int],
    moments: list[datetime],
) -> None:
    result = connection.pgconn.exec_params(
        b"SELECT $1::text[], $2::bytea[], $3::int[], $4::timestamptz[]",
        [
            binary.text_array([binary.text("it", text) for text in texts]),
            binary.bytea_array(blobs),
            binary.int4_array(numbers),
            binary.timestamptz_array([binary.moment(each) for each in moments]),
        ],
        param_formats=[1, 1, 1, 1],
        result_format=1,
    )
    assert pq.ExecStatus.TUPLES_OK == result.status
    read = psycopg.adapt.Transformer(connection)
    read.set_pgresult(result)
    assert (texts, blobs, numbers, moments) == read.load_row(0, tuple)


@given(MOMENTS, st.integers(-(2**63), 2**63 - 1))
def test_what_is_read_is_what_was_written(moment: datetime, number: int) -> None:
    written = binary.moment(moment).to_bytes(8, "big", signed=True)
    assert moment == binary.to_moment(written)
    assert number == binary.to_int(number.to_bytes(8, "big", signed=True))


@pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800", "x\udfff"])
def test_a_text_that_no_database_holds_is_refused_without_quoting_it(bad: str) -> None:
    with pytest.raises(AppError) as caught:
        binary.text("the Call-ID", bad)
    assert "store.text" == caught.value.code
    assert bad not in caught.value.message


@pytest.fixture(scope="module")
def connection(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as opened:
        yield opened
