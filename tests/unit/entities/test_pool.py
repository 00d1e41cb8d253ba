"""The process pool: same answers in the same order, and a death that is noticed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.entities.annotator import Annotator
from pipeline.entities.pool import Pool, split
from pipeline.errors import FatalError, SettingsError
from pipeline.records import Article
from pipeline.settings import Entities

from .articles import article

TEXTS = ["Rockets hit Kyiv on Friday.", "", "Boris Johnson met President Obama in Paris.", "x" * 900, "NATO"] * 3


@given(st.lists(st.integers(1, 50)), st.integers(1, 6))
def test_split_covers_the_list_in_order(sizes: list[int], parts: int) -> None:
    runs = split(sizes, parts)
    assert [i for a, b in runs for i in range(a, b)] == list(range(len(sizes)))
    assert len(runs) <= parts


def test_the_pool_answers_as_one_annotator_does() -> None:
    settings = Entities(model="rules", processes=2)
    articles = [article(t, title=t[:30]) for t in TEXTS]
    pool = Pool(settings)
    pool.start()
    try:
        assert asyncio.run(pool.annotate(articles)) == Annotator(settings).annotate(articles)
        assert asyncio.run(pool.annotate([])) == []
        children = [child.pid for child in pool._children if child.pid]
        assert len(children) == 2
        for pid in children:
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
        assert len(asyncio.run(pool.annotate(articles))) == len(articles)
        os.kill(children[0], signal.SIGKILL)
        with pytest.raises(FatalError, match="entities process died"):
            asyncio.run(_annotate_often(pool, articles))
    finally:
        pool.stop()


async def _annotate_often(pool: Pool, articles: list[Article]) -> None:
    for _ in range(1_000):  # a death may be seen only after the other process has done a call's work
        await pool.annotate(articles)


def test_a_wrong_setting_is_said_at_start() -> None:
    with pytest.raises(SettingsError, match="no_such_model"):
        Pool(Entities(model="no_such_model")).start()


def test_the_parent_carries_no_pipeline() -> None:
    asked = "import sys, pipeline.entities.pool; print('spacy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n", "it would take time at every start, and 60 MiB"


def test_a_pool_that_is_not_started_says_so() -> None:
    with pytest.raises(FatalError, match="not running"):
        asyncio.run(Pool(Entities(model="rules")).annotate([article("a")]))


_HOLDER = """
import sys, time
from pipeline.entities.pool import Pool
from pipeline.records import Article
from pipeline.settings import Entities
if __name__ == "__main__":
    pool = Pool(Entities(model="rules"))
    pool.start()
    print(*(child.pid for child in pool._children), flush=True)
    time.sleep(600)
"""


def test_children_follow_a_killed_parent(tmp_path: object) -> None:
    script = f"{tmp_path}/holder.py"
    with open(script, "w") as f:  # noqa: PTH123
        f.write(_HOLDER)
    holder = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    (child,) = map(int, holder.stdout.readline().split())
    holder.kill()
    holder.wait()
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the pool's process outlived its parent by 240 s")
