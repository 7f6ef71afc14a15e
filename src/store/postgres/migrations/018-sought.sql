-- Messages by what people look for: each is of one class (feed, event, outcome, kinds of what could not be used), of which there are few.
-- The program fills the columns for the messages there are.

-- A gateway of before that is still committing would write messages that are in no list: it waits here, and is refused afterwards.
LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE message ADD COLUMN class bigint, ADD COLUMN received_nanos bigint, ADD COLUMN kinds integer;

CREATE TABLE message_class (
    id bigint PRIMARY KEY,
    feed text COLLATE "C" NOT NULL,
    document text NOT NULL
);
CREATE INDEX message_class_feed ON message_class (feed);

-- How many of a class were received in an hour. Each commit adds a row, so that commits never wait for each other; rows are added up
-- now and then.
CREATE TABLE message_count (
    class bigint NOT NULL,
    hour bigint NOT NULL,
    change bigint NOT NULL
);
CREATE INDEX message_count_class ON message_count (class, hour) INCLUDE (change);
CREATE INDEX message_sought ON message (class, received_nanos DESC, sequence DESC);
