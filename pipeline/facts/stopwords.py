"""Words that tell nothing about what a text is about."""

from __future__ import annotations

_STOPWORDS = (
    "a about above after again all also am an and any are as at be because been before being below between both but "
    "by can could did do does doing down during each few for from further had has have having he her here hers him "
    "his how i if in into is it its itself just me more most my no nor not now of off on once only or other our out "
    "over own said same say says she should so some such than that the their theirs them then there these they this "
    "those through to too under until up very was we were what when where which while who whom why will with would "
    "you your"
)
STOPWORDS = frozenset(_STOPWORDS.split())

_CALENDAR = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december mon tue tues wed thu thur thurs fri sat sun jan feb mar apr jun jul aug sep "
    "sept oct nov dec today yesterday tomorrow"
)
CALENDAR = frozenset(_CALENDAR.split())
