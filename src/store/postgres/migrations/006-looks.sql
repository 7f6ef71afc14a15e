-- What waits for a person's look: a column, so that it is written with the resource, and an index of the few where it is true. The
-- program fills it for what there is.

ALTER TABLE resource ADD COLUMN waits boolean NOT NULL DEFAULT false;
CREATE INDEX resource_waits ON resource (id, type) WHERE waits;
