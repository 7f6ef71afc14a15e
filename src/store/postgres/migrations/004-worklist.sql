-- Open work in the order in which people do it, beside the Tasks themselves: most urgent first (0 is stat), of those what is due
-- first; work without a due date stands at the end of time. The program fills it from the Tasks there are.

-- A gateway of before that is still committing would write Tasks that are in no index: it waits here, and what it wrote is read.
LOCK TABLE resource IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE open_work (
    id text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    urgency smallint NOT NULL,
    due_nanos bigint NOT NULL
);
CREATE INDEX open_work_order ON open_work (urgency, due_nanos, id);
CREATE INDEX open_work_owner ON open_work (owner, urgency, due_nanos, id);

-- How much there is, by the hour in which it falls due; everybody's stands under the scope '*', an owner's under '=' and the
-- owner. Each commit adds a row with what it changed, so that commits never wait for each other; rows are added up now and
-- then, and by whoever reads.
CREATE TABLE open_work_count (
    scope text COLLATE "C" NOT NULL,
    urgency smallint NOT NULL,
    hour bigint NOT NULL,
    change bigint NOT NULL
);
CREATE INDEX open_work_count_scope ON open_work_count (scope, urgency, hour) INCLUDE (change);
