"""Make the three wires of real text from the corpora that they come from: `python seeds/convert.py SOURCE`.

SOURCE is a folder with the corpora as JSON lines, one document an object:

    ner/meantime_en/all.jsonl             id, text (headline, date and body, a sentence a line), published
    ner/re3d/dev.jsonl                    id, text, title, source, url, license
    events/wikitimes_cep_2015/all.jsonl   id, text, published

The result is a function of these files alone. A document becomes one line of wire. Its text is taken over as it is;
what the source keeps apart (title, date) or puts into the head of the text (MEANTIME) goes into fields of its own.
Annotations are left out. Each row carries its licence and the attribution that the licence asks for; ATTRIBUTION.md
has the citations.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class SourceError(Exception):
    """A document is not of the form that its corpus has."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as its corpus names it.

    Attributes:
        url: where its text stands.
        statement: the attribution of a row; `{source}` and `{url}` are the row's.
    """

    url: str
    statement: str


LICENCES: dict[str, Licence] = {
    "CC-BY-2.5": Licence(
        "https://creativecommons.org/licenses/by/2.5/", "Wikinews, en.wikinews.org; by way of the MEANTIME corpus"
    ),
    "CC-BY-SA-3.0": Licence("https://creativecommons.org/licenses/by-sa/3.0/", "Wikipedia contributors, {url}"),
    "CC-BY-3.0-AU": Licence(
        "https://creativecommons.org/licenses/by/3.0/au/", "Department of Foreign Affairs and Trade, Australia, {url}"
    ),
    "OGL-v3.0": Licence(
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        "Contains public sector information licensed under the Open Government Licence v3.0. {source}, {url}",
    ),
    "EU legal notice (reuse authorised with attribution)": Licence(
        "https://eur-lex.europa.eu/eli/dec/2011/833/oj", "© European Union; {source}, {url}"
    ),
    "public-domain (US Gov)": Licence("https://www.law.cornell.edu/uscode/text/17/105", "{source}, {url}"),
}


def with_licence(row: Row, licence: str) -> Row:
    """The row with its licence and attribution."""
    if licence not in LICENCES:
        raise SourceError(f"no attribution is known for the licence {licence!r}; add it to LICENCES")
    terms = LICENCES[licence]
    statement = terms.statement.format(source=row["source"], url=row.get("url"))
    return row | {"licence": licence, "licence_url": terms.url, "attribution": statement}


def wikinews(document: Row) -> Row:
    """A Wikinews article of MEANTIME: the first line of the text is the headline, the second the date."""
    headline, day, body = document["text"].split("\n", 2)
    # The corpus has a `title` too, but cut short at its first full stop, figure or apostrophe.
    published = datetime.strptime(day, "%B %d, %Y").date().isoformat()
    if published != document["published"]:
        raise SourceError(f"the text is dated {published}, the document {document['published']}")
    row = {
        "id": document["id"],
        "provider": "wikinews",
        "source": "Wikinews",
        "title": headline,
        "text": body,
        "published": published,
        "language": "en",
    }
    return with_licence(row, "CC-BY-2.5")


def re3d(document: Row) -> Row:
    """A report of re3d. The corpus knows no dates, so the rows have none."""
    row = {
        "id": document["id"],
        "provider": "re3d",
        "source": document["source"],
        "title": document["title"],
        "text": document["text"],
        "url": document["url"],
        "language": "en",
    }
    return with_licence(row, document["license"])


def world_event(document: Row) -> Row:
    """An entry of Wikipedia's Current events portal: a sentence or two under a day, no headline."""
    day = date.fromisoformat(document["published"])
    row = {
        "id": document["id"],
        "provider": "wikipedia-current-events",
        "source": "Wikipedia",
        "text": document["text"],
        "published": document["published"],
        "url": f"https://en.wikipedia.org/wiki/Portal:Current_events/{day.year}_{day:%B}_{day.day}",
        "language": "en",
    }
    return with_licence(row, "CC-BY-SA-3.0")


WIRES: tuple[tuple[str, str, Callable[[Row], Row]], ...] = (
    ("ner/meantime_en/all.jsonl", "wikinews.jsonl", wikinews),
    ("ner/re3d/dev.jsonl", "re3d.jsonl", re3d),
    ("events/wikitimes_cep_2015/all.jsonl", "world-events.jsonl", world_event),
)
"""Corpus file, wire, and how a document of the one becomes a row of the other."""


def convert(path: Path, convert_one: Callable[[Row], Row]) -> Iterator[Row]:
    """The rows of a corpus, dated ones in order of time, otherwise in the order of the corpus.

    Raises:
        SourceError: a document that cannot be converted; says file and line.
    """
    rows: list[Row] = []
    with path.open(encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            try:
                rows.append(convert_one(json.loads(line)))
            except (SourceError, ValueError, KeyError) as e:
                raise SourceError(f"{path}:{number}: {e!r}") from e
    yield from sorted(rows, key=lambda row: row.get("published", ""))


def main() -> int:
    """Convert everything; exit code 1 and one line on what is wrong if that cannot be done."""
    parser = argparse.ArgumentParser(description="Make wikinews.jsonl, re3d.jsonl and world-events.jsonl.")
    parser.add_argument("source", type=Path, help="folder with the corpora")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to; default: seeds/")
    args = parser.parse_args()
    for source, wire, convert_one in WIRES:
        try:
            rows = list(convert(args.source / source, convert_one))
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (args.out / wire).write_text(text, encoding="utf-8")
        except (OSError, SourceError) as e:
            sys.stderr.write(f"{e}\n")
            return 1
        sys.stdout.write(f"{wire}: {len(rows)} rows\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
