"""The tokenizer of our pipelines: spaCy's English one, with what military and wire text adds."""

from __future__ import annotations

from typing import Any

import spacy
from spacy.language import Language
from spacy.util import compile_infix_regex

_ABBREVIATIONS = """
Lt. Sgt. Maj. Col. Capt. Cmdr. Brig. Cpl. Pvt. Spc. Pfc. Adm. Sen. Rep. Gov. Gen. Rev. Prof. Hon. Supt. Insp. Det. St.
vs. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. Mon. Tue. Tues. Wed. Thu. Thurs. Fri. Sat. Sun.
Inc. Corp. Ltd. Co.
"""


def blank() -> Language:
    """An English pipeline without components.

    "U.S.-led" and "pro-Iran" are three tokens, so that the name in them can be an entity; "Lt." is one.
    """
    nlp = spacy.blank("en")
    infixes = [*(nlp.Defaults.infixes or ()), r"(?<=[A-Za-z]\.)[-–](?=[A-Za-z])", r"(?<=[\d])[-–](?=[A-Za-z]{3,})"]
    tokenizer: Any = nlp.tokenizer
    tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    for abbreviation in _ABBREVIATIONS.split():
        tokenizer.add_special_case(abbreviation, [{"ORTH": abbreviation}])
    return nlp
