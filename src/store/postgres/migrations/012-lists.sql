-- Open work stands in several lists: everybody's ('*'), that of the practice it was given to, that of the person who has taken it or
-- of what nobody has, or only among what is snoozed. The program fills it from the Tasks there are.

-- A gateway of before that is still committing would write Tasks that are in no list: it waits here, and what it wrote is read.
LOCK TABLE resource IN SHARE ROW EXCLUSIVE MODE;

DROP TABLE open_work;
DELETE FROM open_work_count;

CREATE TABLE open_work (
    id text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    urgency smallint NOT NULL,
    due_nanos bigint NOT NULL,
    PRIMARY KEY (id, scope)
);
CREATE INDEX open_work_order ON open_work (scope, urgency, due_nanos, id);
