"""Which spaCy pipeline annotates: ours, the rules alone, or the user's own."""

from __future__ import annotations

from pathlib import Path

import spacy
from spacy.language import Language

from pipeline import __version__
from pipeline.entities import repair, rules, store, tagger, tokenizer
from pipeline.entities.labels import LABELS
from pipeline.errors import SettingsError

RULES = "rules"
OURS = "ours"


def load_pipeline(model: str, aliases: str = "") -> Language:
    """The spaCy pipeline that a setting names: "" or "ours" is the one that ships, "rules" it without a trained model.

    A folder that `wirefuse train entities` wrote is the shipped pipeline with that model in it; one of the corpora's
    own labels stands alone in it, as our rules follow our conventions.

    Args:
        model: the setting `entities.model`.
        aliases: the setting `entities.aliases`: a file of names that the shipped pipeline finds wherever they stand.

    Raises:
        SettingsError: there is no such package or folder, or it cannot be loaded.
    """
    if model == RULES:
        return _rules()
    if model in ("", OURS):
        return _ours(aliases)
    if store.is_model(Path(model)):
        return _ours(aliases, model)
    try:
        return spacy.load(model)
    except OSError as e:
        what = "folder" if Path(model).exists() else "package or folder"
        raise SettingsError(f"entities.model: no spaCy pipeline in {what} {model!r}: {e}") from None
    except (ValueError, ImportError) as e:
        raise SettingsError(f"entities.model: {model!r} cannot be loaded: {e}") from None


def _ours(aliases: str, folder: str = "") -> Language:
    tagger.register()
    repair.register()
    nlp = tokenizer.blank()
    trained = nlp.add_pipe("wirefuse_tagger", config={"folder": folder})
    assert isinstance(trained, tagger.Tagger)
    if not trained.model.meta.get("own_labels"):
        nlp.add_pipe("wirefuse_repair", config={"aliases": aliases})
    nlp.meta["name"] = "wirefuse_en"
    # Two models of one version are told apart by their weights.
    nlp.meta["version"] = f"{__version__}+{trained.weights[:8]}" if folder else __version__
    return nlp


def _rules() -> Language:
    rules.register()
    nlp = tokenizer.blank()
    nlp.add_pipe("wirefuse_names")
    nlp.meta["name"] = "wirefuse_rules"
    nlp.meta["version"] = __version__
    return nlp


def entity_labels(nlp: Language) -> tuple[str, ...]:
    """The labels that the components of a pipeline may give to entities, sorted."""
    found: set[str] = set()
    for name in nlp.pipe_names:
        if any(a.startswith("doc.ents") for a in nlp.get_pipe_meta(name).assigns):
            found.update(getattr(nlp.get_pipe(name), "labels", ()))
    return tuple(sorted(found))


def parse_label_map(text: str, name: str = "entities.labels") -> dict[str, str | None]:
    """Read the setting `entities.labels`: "PER=PERSON,MISC=" -> {"PER": "PERSON", "MISC": None}.

    Args:
        name: what the text is called in an error.

    Raises:
        SettingsError: no `=`, or a right side that is no label of ours.
    """
    table: dict[str, str | None] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        theirs, separator, ours = (p.strip() for p in part.partition("="))
        if not separator or not theirs or (ours and ours not in LABELS):
            raise SettingsError(
                f"{name}: {part.strip()!r}: write THEIRS=OURS, OURS one of {', '.join(LABELS)} or empty"
            )
        table[theirs] = ours or None
    return table


def label_map(nlp: Language, setting: str) -> dict[str, str | None]:
    """For each label of the pipeline, ours, or None for "dropped".

    Raises:
        SettingsError: the pipeline finds no entities, or has a label that is neither ours nor mapped.
    """
    theirs = entity_labels(nlp)
    if not theirs:
        raise SettingsError("entities.model: this pipeline finds no entities: none of its components sets doc.ents")
    table = {label: label for label in LABELS} | parse_label_map(setting)
    unknown = [label for label in theirs if label not in table]
    if unknown:
        example = ",".join(f"{label}=" for label in unknown)
        raise SettingsError(
            f"entities.model: unknown labels {', '.join(unknown)}. Map each to one of {', '.join(LABELS)}, "
            f'or to nothing to drop it: [entities] labels = "{example}"'
        )
    return {label: table[label] for label in theirs}
