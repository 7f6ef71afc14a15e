-- Search parameters that a site's guides define, each with an index of its own: how far resources were gone through in the order of their
-- commits, and the terms of those that have any. What was written later is read by each search. One that is going is not used any more.
CREATE TABLE guided (
    parameter bigint PRIMARY KEY,
    type text NOT NULL,
    reached bigint NOT NULL DEFAULT -1,
    reached_id text NOT NULL DEFAULT '',
    resources bigint NOT NULL DEFAULT 0,
    is_going boolean NOT NULL DEFAULT false
);
CREATE TABLE guided_value (
    parameter bigint NOT NULL,
    id text NOT NULL,
    terms bigint[] NOT NULL,
    PRIMARY KEY (parameter, id)
);
CREATE INDEX guided_value_terms ON guided_value USING gin (terms);
