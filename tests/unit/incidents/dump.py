"""A ledger's whole logical state as plain data, to compare two ledgers by."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.incidents.ledger import Ledger


def dump(ledger: Ledger) -> dict[str, Any]:
    state = ledger._state
    return {
        "last_seq": state.last_seq,
        "watermark": state.watermark,
        "floor": state.floor,
        "entries": {
            e.article_id: (
                e.seq,
                e.time,
                e.event_time,
                e.incident_id,
                e.placed_seq,
                e.assigned_seq,
                e.scored,
                e.copy_of,
                e.copy_group,
                e.stowed,
                e.vector,
                None if e.profile is None else msgspec.structs.asdict(e.profile),
            )
            for e in state.entries.values()
        },
        "members": {i: sorted(e.article_id for e in m) for i, m in state.members.items()},
        "marks": state.marks,
        "holders": state.effects.holders(),
        "rulings": state.rulings.items(),
        "redirects": {k: sorted(v) for k, v in state._redirects.items()},
        "postings": state.index.postings(),
        "vectors": {seq: state.index.vector(seq) for seq in state.index.seqs()},
        "records": {i: ledger.record(i) for i in ledger.incident_ids()},
    }
