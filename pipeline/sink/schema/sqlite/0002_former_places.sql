-- Version 2. Incidents whose stored record may list an article, besides the one that the article is in: a kill must
-- find them all.
CREATE TABLE former_places (
    article_id  TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    PRIMARY KEY (article_id, incident_id)
) WITHOUT ROWID;

INSERT INTO former_places
SELECT DISTINCT report.value ->> 'article_id', i.incident_id
FROM incidents i, json_each(i.record, '$.reports') AS report
LEFT JOIN incident_articles a ON a.article_id = report.value ->> 'article_id'
WHERE a.incident_id IS NULL OR a.incident_id <> i.incident_id;
