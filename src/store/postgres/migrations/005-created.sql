-- When a delivery was made, so that the oldest which is not done is found without reading any. The program fills in those of
-- before; a gateway of before that is still running makes its own now.

ALTER TABLE delivery ADD COLUMN created_nanos bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000000000)::bigint;
CREATE INDEX delivery_oldest ON delivery (created_nanos) WHERE state IN (0, 2);
