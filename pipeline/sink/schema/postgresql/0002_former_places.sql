-- Version 2. Incidents whose stored record may list an article, besides the one that the article is in: a kill must
-- find them all.
CREATE TABLE former_places (
    article_id  text COLLATE "C" NOT NULL,
    incident_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (article_id, incident_id)
);

INSERT INTO former_places
SELECT DISTINCT report.value ->> 'article_id', i.incident_id
FROM incidents i
CROSS JOIN LATERAL jsonb_array_elements(i.record -> 'reports') AS report(value)
LEFT JOIN incident_articles a ON a.article_id = report.value ->> 'article_id'
WHERE a.incident_id IS NULL OR a.incident_id <> i.incident_id;
