-- What partners hold, so that nothing takes them back in time: the newest that each took of each thing, and what nobody
-- knows of. State 5 is superseded; state 1 with a next time is to be sent once more then.

ALTER TABLE delivery ADD COLUMN thing text COLLATE "C" NOT NULL DEFAULT '';
-- Somebody claimed it and never told what came of it.
ALTER TABLE delivery ADD COLUMN inherited boolean NOT NULL DEFAULT false;
-- A document's own subject stands before its payload.
UPDATE delivery SET thing = coalesce(substring(document from '"subject":"([^"/]*/[^"/]*)'), '');
CREATE INDEX delivery_unsettled ON delivery (partner, thing, sequence, ordinal) WHERE state IN (0, 2, 3);
CREATE INDEX delivery_again ON delivery (next_nanos) WHERE state = 1 AND next_nanos IS NOT NULL;

CREATE TABLE held_copy (
    partner text COLLATE "C" NOT NULL,
    thing text COLLATE "C" NOT NULL,
    -- The delivery by which it was told.
    newest text COLLATE "C",
    document text NOT NULL,
    PRIMARY KEY (partner, thing)
);
INSERT INTO held_copy
SELECT DISTINCT ON (partner, thing) partner, thing, id,
       format('{"newest":[[%s,%s],%s],"etag":null,"doubts":[]}', sequence, ordinal, to_json(id))
FROM delivery WHERE state = 1 ORDER BY partner, thing, sequence DESC, ordinal DESC;
