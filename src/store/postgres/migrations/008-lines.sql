-- What waits is found by partner, the urgent first; a lease says whose it is. What was made before is routine.

ALTER TABLE delivery ADD COLUMN urgent boolean NOT NULL DEFAULT false;
-- 0 where something in the line is urgent, 1 elsewhere; right for the first of a line only.
ALTER TABLE delivery ADD COLUMN rank smallint NOT NULL DEFAULT 1;
ALTER TABLE delivery ADD COLUMN leased_by text COLLATE "C";
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (partner, rank, next_nanos) WHERE first;
CREATE INDEX delivery_first ON delivery (partner, person) WHERE first;
CREATE INDEX delivery_urgent ON delivery (partner, person) WHERE urgent AND state IN (0, 2);
