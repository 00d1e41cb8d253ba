"""A place is one word, however a newsroom spells it."""

from pipeline.facts.names import names
from pipeline.facts.spellings import spelt
from pipeline.incidents.words import stems


def test_spellings_of_a_place_are_one_word() -> None:
    assert spelt("kharkov") == spelt("kharkiv") == "kharkiv"
    assert spelt("kherson") == "kherson"
    assert stems("Shelling of Kharkov's suburbs", 10) == stems("Shelling of Kharkiv's suburbs", 10)
    (one,), (other,) = names("A missile fell in Kharkov."), names("A missile fell in Kharkiv.")
    assert (one.words, one.kind) == (other.words, other.kind) == (("kharkiv",), "place")
    assert names("fighting near Ar-Raqqah")[0].words == names("fighting near Raqqa")[0].words


def test_common_words_and_short_forms_stay_as_they_are() -> None:
    for word in ("us", "uk", "turkey", "jordan", "georgia", "washington", "of", ""):
        assert spelt(word) == word
