"""Stage entities: unique -> annotated. Stateless; run as many as `unique` has partitions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from agents.app import create_app
from agents.messages import Incoming, Item, Outcome
from agents.passing import to_entities_or_ledger, void_of
from agents.stateless import Stateless
from pipeline.codec import decode
from pipeline.entities.pool import Pool
from pipeline.errors import InvalidEvent
from pipeline.metrics import Metrics
from pipeline.records import Annotated, Annotation, Article, Void
from pipeline.settings import Settings, load
from pipeline.topics import TopicName


class EntitiesStage(Stateless):
    """Runs the spaCy pipeline over each article, in a pool of processes."""

    name = "entities"
    inputs: tuple[TopicName, ...] = ("unique",)
    compacted_inputs = False

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.batch_size = settings.entities.batch_size
        self._metrics = metrics
        self._editions = settings.topics.editions
        self._pool = Pool(settings.entities)

    def decode(self, incoming: Incoming) -> Annotated:
        record = decode(incoming.value, Annotated)
        if record.article is None:
            raise InvalidEvent("schema", "a record on unique must carry its article")
        if not 0 <= record.edition < self._editions:
            raise InvalidEvent("schema", f"edition {record.edition} is not there")
        return record

    async def process(
        self, batch: Sequence[Item[Annotated]], taking_up: Callable[[Incoming], None]
    ) -> AsyncGenerator[Outcome, None]:
        articles = [item.value.article for item in batch if not isinstance(item.value, Void)]
        found = iter(await self._pool.annotate([a for a in articles if a is not None]))
        outcome = Outcome()
        for item in batch:
            if isinstance(item.value, Void):
                self._give_up(item.incoming, item.value.reason, outcome)
                continue
            result = next(found)
            if isinstance(result, InvalidEvent):
                outcome.rejected.append((item.incoming, result))
                self._give_up(item.incoming, result.kind, outcome)
            else:
                self._pass_on(item.incoming, item.value, result, outcome)
        self._metrics.counter("ner_words_total").inc(sum(_words(a) for a in articles if a is not None))
        yield outcome

    def _pass_on(self, incoming: Incoming, record: Annotated, found: Annotation, outcome: Outcome) -> None:
        outcome.outputs.append(to_entities_or_ledger(replace(record, annotation=found), incoming))
        outcome.counts["ok"] += 1

    def _give_up(self, incoming: Incoming, reason: str, outcome: Outcome) -> None:
        void = void_of(incoming, reason)
        if void is not None:
            outcome.outputs.append(to_entities_or_ledger(void, incoming))
        outcome.counts["void"] += 1

    async def start(self) -> None:
        self._pool.start()
        self._metrics.gauge("ner_pool_resident_memory_bytes").set_function(self._pool.resident_bytes)

    async def stop(self) -> None:
        self._pool.stop()


def _words(article: Article) -> int:
    return article.text.count(" ") + 1


settings = load()
metrics = Metrics()
app = create_app(settings, EntitiesStage(settings, metrics), metrics)
