"""One article as a web page, with its entities in colour."""

from __future__ import annotations

from pipeline.entities.page import key, marked, page, shown
from pipeline.sink.base import StoredArticle
from pipeline.sink.render import explained, moment

_STATES = {"killed": "was taken back by its wire", "withheld": "is withheld by its wire"}


def article_html(article: StoredArticle) -> str:
    """A page that needs nothing from elsewhere. The sink has entities of the text, none of the title."""
    record = article.record
    title = article.title or "(no title)"
    origin = " via ".join(dict.fromkeys(name for name in (article.source, article.provider) if name))
    facts = [
        origin,
        f"{moment(article.published).strip()} UTC" if article.published else "",
        f"{article.verdict} ({record.get('reason', '')})",
        explained(record.get("why", {}), article=record),
        f"incident {article.incident_id}" if article.incident_id else "",
        f"article {article.article_id} ({article.native_id or 'id unknown'})",
    ]
    head = f'<h1>{shown(title)}</h1>\n<p class="facts">{"<br>".join(shown(f) for f in facts if f)}</p>'
    if article.status != "usable":
        return page(title, f"{head}\n<p>This article {_STATES.get(article.status, 'is not usable')}.</p>")
    spans = [(e["start"], e["end"], e["label"]) for e in record.get("entities", ())]
    labels = {label for _, _, label in spans}
    return page(title, f"{head}\n<p>{key(labels)}</p>\n{marked(str(record.get('text') or ''), spans)}")
