-- Whom a message is about beside the first patient, so that it is found by each of them. The program fills it for those there are.

ALTER TABLE message ADD COLUMN others text[];
CREATE INDEX message_others ON message USING gin (others) WHERE others IS NOT NULL;
