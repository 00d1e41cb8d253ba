"""`wirefuse train entities` on a corpus of a few sentences: from files to a model that is used by its folder."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from pipeline.entities.annotator import Annotator
from pipeline.errors import SettingsError
from pipeline.settings import Entities
from pipeline.train_commands import train

SENTENCES = [
    ("Anna Lindqvist met the mayor of Tarnow.", [[0, 14, "PER"], [32, 38, "LOC"]]),
    ("The Harbour Trust left Tarnow in May.", [[4, 17, "ORG"], [23, 29, "LOC"]]),
    ("Josip Babic of the Harbour Trust spoke.", [[0, 11, "PER"], [19, 32, "ORG"]]),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora" / "wikigold"
    folder.mkdir(parents=True)
    rows = (
        {"id": f"own-{20 * n + i}", "text": text, "entities": entities}
        for n in range(3)
        for i, (text, entities) in enumerate(SENTENCES)
    )
    (folder / "all.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return folder.parent


def run(data: Path, out: Path, *more: str) -> Result:
    arguments = ["entities", "--data", str(data), "--out", str(out), "--corpus", "wikigold", "--epochs", "1", *more]
    return CliRunner().invoke(train, arguments)


def weights(result: Result) -> str:
    assert result.exit_code == 0, result.output
    (found,) = re.findall(r"weights ([0-9a-f]{64})$", result.output, re.MULTILINE)
    return str(found)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(data: Path, tmp_path: Path) -> None:
    first = weights(run(data, tmp_path / "one"))
    assert weights(run(data, tmp_path / "two")) == first
    assert (tmp_path / "one" / "network.npz").read_bytes() == (tmp_path / "two" / "network.npz").read_bytes()
    assert weights(run(data, tmp_path / "three", "--seed", "1")) != first
    assert orjson.loads((tmp_path / "one" / "meta.json").read_bytes())["weights_sha256"] == first

    annotator = Annotator(Entities(model=str(tmp_path / "one")))
    assert annotator.version.endswith(f"+{first[:8]}")
    assert annotator.spans("The mayor met President Obama in Paris.")


def test_a_corpus_that_is_not_there_is_said(data: Path, tmp_path: Path) -> None:
    missing = run(data, tmp_path / "out", "--corpus", "re3d")
    assert isinstance(missing.exception, SettingsError)
    assert "re3d: no *.jsonl of corpus re3d" in str(missing.exception)
    unknown = run(data, tmp_path / "out", "--corpus", "conll")
    assert unknown.exit_code == 2
    assert "no corpus is called conll; there are gmb_voa, re3d" in " ".join(unknown.output.split())
    assert not (tmp_path / "out").exists()


def test_a_model_of_own_labels_is_used_without_our_rules(tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "gmb_voa"
    folder.mkdir(parents=True)
    row: dict[str, Any] = {"id": "1", "text": "Singapore paid $5 million.", "entities": [[0, 9, "org"]]}
    with gzip.open(folder / "train.jsonl.gz", "wb") as f:
        f.write((orjson.dumps(row) + b"\n") * 40)
    (folder / "dev.jsonl.gz").write_bytes(gzip.compress(orjson.dumps(row) + b"\n"))
    out = tmp_path / "out"
    trained = ["entities", "--data", str(folder.parent), "--corpus", "gmb_voa", "--epochs", "30", "--own-labels"]
    weights(CliRunner().invoke(train, [*trained, "--out", str(out)]))
    annotator = Annotator(Entities(model=str(out)))
    assert annotator.spans(row["text"]) == [(0, 9, "ORG")]  # our rules know a country, and money

    without_out = CliRunner().invoke(train, trained)
    assert without_out.exit_code == 2
    assert "give --out" in without_out.output
    mixed = CliRunner().invoke(train, [*trained, "--corpus", "wikigold", "--out", str(out)])
    assert mixed.exit_code == 2
    assert "the labels of wikigold have no namesakes" in " ".join(mixed.output.split())


def test_a_folder_whose_model_is_damaged_is_refused(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    weights(run(data, out))
    (out / "words.txt").write_text("")
    with pytest.raises(SettingsError, match="another version of Wirefuse: train it again"):
        Annotator(Entities(model=str(out)))
