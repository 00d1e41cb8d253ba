"""Round-ups give each of their events its own where and when."""

from __future__ import annotations

from pipeline.facts import scenes
from pipeline.facts.addresses import addresses
from pipeline.facts.ages import ages
from pipeline.facts.dates import clocks

ROUND_UP = (
    "Four men were shot over the weekend, police said. The first, 21, was hit at 1:15 a.m. in the 6300 block of South "
    "Morgan Street. A 34-year-old was wounded on Cerise Avenue at 3 a.m. Sunday. At 9:40 p.m. Sgt. Holm found a man, "
    "aged 50, in the 1200 block of Linden Street. The victim on Cerise Avenue was in stable condition at 5 a.m."
)
ONE_EVENT = (
    "A 21-year-old man was shot at 1:15 a.m. in the 6300 block of South Morgan Street. The gunman, 34, fled along "
    "Morgan Street at 1:20 a.m., police said. The 21-year-old was found on Cerise Avenue. He died at 3 a.m."
)


def counted(text: str) -> int:
    streets = [(a.start, a.street) for a in addresses(text)]
    told = [(a.start, ("age", a.years)) for a in ages(text)] + [(c.start, ("hour", c.minutes)) for c in clocks(text)]
    return scenes.count(text, streets, told)


def test_each_event_with_its_own_street_and_hour_is_a_scene() -> None:
    assert counted(ROUND_UP) == 3


def test_one_event_told_twice_is_one_scene() -> None:
    assert counted(ONE_EVENT) == 1


def test_short_forms_end_no_sentence() -> None:
    text = "At 9:40 p.m. Sgt. Holm came to St. Mary St. on Jan. 3. He left.\n\nThen it rained."
    assert [text[s : s + 4] for s in scenes.sentence_starts(text)] == ["At 9", "He l", "Then"]


def test_a_text_without_places_has_none() -> None:
    assert counted("A man of 34 died at 3 a.m.") == 0
    assert scenes.count("", [], []) == 0
