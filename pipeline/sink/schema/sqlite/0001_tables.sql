-- Version 1. Times are RFC 3339 in UTC, whole seconds, so that they sort as text.

-- Articles as they stand: the newest word on each, by (edition, seq).
-- record is the article event without copy_group and incident_id: those two follow what happens to other articles and
-- to incidents, so only the columns have them. said_copy_group is the group as the event itself said it.
-- removed_ is the newest kill or withheld version, -1 if there never was one.
CREATE TABLE articles (
    article_id       TEXT PRIMARY KEY,
    edition          INTEGER NOT NULL,
    seq              INTEGER NOT NULL,
    provider         TEXT,
    source           TEXT,
    native_id        TEXT,
    status           TEXT NOT NULL CHECK (status IN ('usable', 'withheld', 'killed')),
    verdict          TEXT NOT NULL,
    copy_of          TEXT,
    copy_group       TEXT,
    incident_id      TEXT,
    published        TEXT,
    title            TEXT,
    said_copy_group  TEXT,
    removed_edition  INTEGER NOT NULL DEFAULT -1,
    removed_seq      INTEGER NOT NULL DEFAULT -1,
    record           TEXT NOT NULL
);
CREATE INDEX articles_published ON articles (published);
CREATE INDEX articles_native_id ON articles (native_id);
-- The root of a copy group is found by its article_id, so these two need the others only: a tenth of the rows or so.
CREATE INDEX articles_copy_group ON articles (copy_group) WHERE copy_group <> article_id;
CREATE INDEX articles_said_copy_group ON articles (said_copy_group) WHERE said_copy_group <> article_id;

-- Incidents as they stand: the newest record of each, by version. Merged and withdrawn ones stay, as redirects.
CREATE TABLE incidents (
    incident_id         TEXT PRIMARY KEY,
    version             INTEGER NOT NULL,
    tombstone           INTEGER NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('open', 'closed', 'merged', 'withdrawn')),
    merged_into         TEXT,
    title               TEXT,
    first_seen          TEXT,
    last_seen           TEXT,
    reports             INTEGER NOT NULL,
    copies              INTEGER NOT NULL,
    independent_origins INTEGER NOT NULL,
    record              TEXT NOT NULL
);
CREATE INDEX incidents_last_seen ON incidents (last_seen);

-- Which incident an article is in: one at most, by the newest decision. articles.incident_id says the same for usable
-- articles that are here. listed: 1 if an incident's record said so, 0 if the article's own event did.
CREATE TABLE incident_articles (
    incident_id  TEXT NOT NULL,
    article_id   TEXT NOT NULL UNIQUE,
    edition      INTEGER NOT NULL,
    assigned_seq INTEGER NOT NULL,
    listed       INTEGER NOT NULL,
    PRIMARY KEY (incident_id, article_id)
) WITHOUT ROWID;

-- Copy groups that got a new root: what an event before seq called old_root is called new_root since.
CREATE TABLE regroupings (
    edition  INTEGER NOT NULL,
    old_root TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    new_root TEXT NOT NULL,
    PRIMARY KEY (old_root, edition, seq)
) WITHOUT ROWID;
CREATE INDEX regroupings_new_root ON regroupings (new_root);

-- Every input of the wire, exactly once.
CREATE TABLE inputs (
    edition    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    article_id TEXT,
    verdict    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (edition, seq)
) WITHOUT ROWID;

-- The stream of changes; the rowid is the order of arrival.
CREATE TABLE changes (
    change_id   TEXT PRIMARY KEY,
    edition     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    change      TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    article_id  TEXT,
    event_time  TEXT,
    evidence    TEXT NOT NULL
);
CREATE INDEX changes_incident ON changes (incident_id);
