-- What could not be used, by cause. A cause that comes with every message would be a row that every commit waits for, so each
-- is counted in several rows, one for each of a few slots; a connection always uses the same. A cause is their sum.

CREATE TABLE unused (
    id text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    feed text COLLATE "C" NOT NULL,
    cause text NOT NULL,
    count bigint NOT NULL,
    first_nanos bigint NOT NULL,
    newest_nanos bigint NOT NULL,
    message bigint,
    text text NOT NULL,
    duty text,
    PRIMARY KEY (id, slot)
);
CREATE INDEX unused_feed ON unused (feed);

-- Written rarely: when a duty begins, is taken or answered, or comes again after an answer.
CREATE TABLE unused_work (
    id text COLLATE "C" PRIMARY KEY,
    answered boolean NOT NULL,
    document text NOT NULL
);
