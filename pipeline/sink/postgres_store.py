"""Opening a PostgreSQL store: connection, schema version, and what PostgreSQL's errors mean here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg import errors
from psycopg.types.string import TextLoader

from pipeline.errors import FatalError, RetryableError
from pipeline.sink.sql import Json

LOCK = 0x57697265_66757365
"""Key of the advisory lock that a writer holds for the length of a transaction ("Wirefuse")."""

_CONNECT_TIMEOUT_S = 10
_VERSION_TABLE = "wirefuse_schema"

# What passes, or what an operator mends while the sink waits: no connection, a restart, a full disk, a lock.
_RETRYABLE = (
    psycopg.OperationalError,  # classes 08, 53, 55, 57, 58, and every broken connection
    psycopg.InterfaceError,  # the connection is closed already
    errors.TransactionRollback,  # class 40: deadlock, serialization
    errors.ReadOnlySqlTransaction,  # a standby, until it is promoted
)
# Of these, what only another setting can mend.
_FATAL = (errors.InvalidAuthorizationSpecification, errors.InvalidCatalogName)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn PostgreSQL's errors into ours, which say where, what is wrong and what to do.

    Args:
        name: the database, without its password.

    Raises:
        RetryableError: not reachable, restarting, full, locked.
        FatalError: everything else.
    """
    try:
        yield
    except _FATAL as e:
        raise FatalError(f"{name}: {_said(e)}. Check the user, the password and the database in sink.url") from e
    except errors.InsufficientPrivilege as e:
        raise FatalError(
            f"{name}: {_said(e)}. The user of sink.url must own the schema, or have it made once by one who may"
        ) from e
    except (errors.UndefinedTable, errors.UndefinedColumn) as e:
        raise FatalError(f"{name}: {_said(e)}. The tables are not as Wirefuse made them") from e
    except _RETRYABLE as e:
        if _refused(e):
            raise FatalError(f"{name}: {_said(e)}. Check the user, the password and the database in sink.url") from e
        raise RetryableError(f"{name} does not answer, or cannot write now: {_said(e)}") from e
    except psycopg.Error as e:
        raise FatalError(f"{name}: {type(e).__name__}: {_said(e)}") from e


def connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode: transactions are begun by hand. JSON comes as text, times in UTC."""
    connection = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="wirefuse")
    connection.execute("SET TIME ZONE 'UTC'")
    connection.adapters.register_loader("jsonb", TextLoader)
    return connection


def migrate(connection: psycopg.Connection[Any], name: str, mend: Callable[[], None]) -> None:
    """Create the tables, or bring an older version's up to date, in one transaction.

    Args:
        mend: called in it where there is an older version's content, once the tables are as they should be.

    Raises:
        FatalError: the tables were made by a newer Wirefuse, or belong to something else.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        version = check_version(connection, name)
        if version == latest_version():
            return
        if version == 0:
            connection.execute(f"CREATE TABLE {_VERSION_TABLE} (version integer NOT NULL)")
            connection.execute(f"INSERT INTO {_VERSION_TABLE} VALUES (0)")
        for number, script in _scripts().items():
            if number > version:
                connection.execute(script)
        if version:
            mend()
        connection.execute(f"UPDATE {_VERSION_TABLE} SET version = %s", (latest_version(),))


def check_version(connection: psycopg.Connection[Any], name: str) -> int:
    """Schema version of a store; 0: nothing there yet.

    Raises:
        FatalError: the tables were made by a newer Wirefuse, or belong to something else.
    """
    row = connection.execute("SELECT to_regclass(%s), to_regclass('articles')", (_VERSION_TABLE,)).fetchone()
    assert row is not None
    if row[0] is None:
        if row[1] is not None:
            raise FatalError(
                f"{name} has tables of something else; give the sink a database or a schema of its own "
                "(sink.url with ?options=-csearch_path%3DNAME)"
            )
        return 0
    found = connection.execute(f"SELECT version FROM {_VERSION_TABLE}").fetchone()
    version = int(found[0]) if found is not None else 0
    if version > latest_version():
        raise FatalError(
            f"{name} has schema version {version}, this Wirefuse knows up to {latest_version()}: "
            "a newer version made it. Use that version, or another database (sink.url)"
        )
    return version


def latest_version() -> int:
    """The schema version that this code reads and writes."""
    return max(_scripts())


def statement(sql: str) -> str:
    """SQL with `?` for parameters in psycopg's form."""
    return sql.replace("%", "%%").replace("?", "%s")


def storable(row: Iterable[Any]) -> tuple[Any, ...]:
    """A row as PostgreSQL can hold it: its text knows no NUL, which becomes U+FFFD, as long as it was."""
    return tuple(_without_nul(value) if isinstance(value, str) else value for value in row)


def _without_nul(text: str) -> str:
    if not isinstance(text, Json):
        return text.replace("\0", "\ufffd")
    if "\\u0000" not in text:
        return text
    # An escaped NUL is a backslash that is not itself escaped, and u0000.
    parts = text.split("\\\\")
    return "\\\\".join(part.replace("\\u0000", "\ufffd") for part in parts)


def _scripts() -> dict[int, str]:
    """The numbered scripts, in order."""
    folder = resources.files("pipeline.sink").joinpath("schema", "postgresql")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return {int(name.partition("_")[0]): folder.joinpath(name).read_text("utf-8") for name in names}


def _said(error: psycopg.Error) -> str:
    """The first line of an error; the others may quote data."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _refused(error: psycopg.Error) -> bool:
    """Whether the server answered, and turned the user away: psycopg gives no code for a failed connection."""
    text = str(error)
    return (
        "authentication failed" in text
        or ("database" in text and "does not exist" in text)
        or ("role" in text and "does not exist" in text)
    )
