-- When a delivery was delivered or given up, so that it can be pruned by age. Those of before count from now.

ALTER TABLE delivery ADD COLUMN finished_nanos bigint;
UPDATE delivery SET finished_nanos = (extract(epoch FROM now()) * 1000000000)::bigint WHERE state IN (1, 3);
CREATE INDEX delivery_finished ON delivery (finished_nanos) WHERE finished_nanos IS NOT NULL;
