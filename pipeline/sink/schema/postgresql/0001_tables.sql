-- Version 1. Ids compare by code point, as everywhere in Wirefuse, whatever the database's own collation.

-- Articles as they stand: the newest word on each, by (edition, seq).
-- record is the article event without copy_group and incident_id: those two follow what happens to other articles and
-- to incidents, so only the columns have them. said_copy_group is the group as the event itself said it.
-- removed_ is the newest kill or withheld version, -1 if there never was one.
CREATE TABLE articles (
    article_id       text COLLATE "C" PRIMARY KEY,
    edition          bigint NOT NULL,
    seq              bigint NOT NULL,
    provider         text,
    source           text,
    native_id        text COLLATE "C",
    status           text COLLATE "C" NOT NULL CHECK (status IN ('usable', 'withheld', 'killed')),
    verdict          text COLLATE "C" NOT NULL,
    copy_of          text COLLATE "C",
    copy_group       text COLLATE "C",
    incident_id      text COLLATE "C",
    published        timestamptz,
    title            text,
    said_copy_group  text COLLATE "C",
    removed_edition  bigint NOT NULL DEFAULT -1,
    removed_seq      bigint NOT NULL DEFAULT -1,
    record           jsonb NOT NULL
);
CREATE INDEX articles_published ON articles (published);
-- A wire's own id may be longer than a B-tree takes (2.7 kB); a hash index takes any.
CREATE INDEX articles_native_id ON articles USING hash (native_id);
-- The root of a copy group is found by its article_id, so these two need the others only: a tenth of the rows or so.
CREATE INDEX articles_copy_group ON articles (copy_group) WHERE copy_group <> article_id;
CREATE INDEX articles_said_copy_group ON articles (said_copy_group) WHERE said_copy_group <> article_id;

-- Incidents as they stand: the newest record of each, by version. Merged and withdrawn ones stay, as redirects.
CREATE TABLE incidents (
    incident_id         text COLLATE "C" PRIMARY KEY,
    version             bigint NOT NULL,
    tombstone           integer NOT NULL,
    status              text COLLATE "C" NOT NULL CHECK (status IN ('open', 'closed', 'merged', 'withdrawn')),
    merged_into         text COLLATE "C",
    title               text,
    first_seen          timestamptz,
    last_seen           timestamptz,
    reports             integer NOT NULL,
    copies              integer NOT NULL,
    independent_origins integer NOT NULL,
    record              jsonb NOT NULL
);
CREATE INDEX incidents_last_seen ON incidents (last_seen);

-- Which incident an article is in: one at most, by the newest decision. articles.incident_id says the same for usable
-- articles that are here. listed: 1 if an incident's record said so, 0 if the article's own event did.
CREATE TABLE incident_articles (
    incident_id  text COLLATE "C" NOT NULL,
    article_id   text COLLATE "C" NOT NULL UNIQUE,
    edition      bigint NOT NULL,
    assigned_seq bigint NOT NULL,
    listed       integer NOT NULL,
    PRIMARY KEY (incident_id, article_id)
);

-- Copy groups that got a new root: what an event before seq called old_root is called new_root since.
CREATE TABLE regroupings (
    edition  bigint NOT NULL,
    old_root text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    new_root text COLLATE "C" NOT NULL,
    PRIMARY KEY (old_root, edition, seq)
);
CREATE INDEX regroupings_new_root ON regroupings (new_root);

-- Every input of the wire, exactly once.
CREATE TABLE inputs (
    edition    bigint NOT NULL,
    seq        bigint NOT NULL,
    article_id text COLLATE "C",
    verdict    text COLLATE "C" NOT NULL,
    reason     text NOT NULL,
    PRIMARY KEY (edition, seq)
);

-- The stream of changes; the position is the order of arrival.
CREATE TABLE changes (
    position    bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    change_id   text COLLATE "C" PRIMARY KEY,
    edition     bigint NOT NULL,
    seq         bigint NOT NULL,
    change      text COLLATE "C" NOT NULL,
    incident_id text COLLATE "C" NOT NULL,
    article_id  text COLLATE "C",
    event_time  timestamptz,
    evidence    jsonb NOT NULL
);
CREATE INDEX changes_incident ON changes (incident_id);
