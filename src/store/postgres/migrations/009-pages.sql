-- The number under which a version was written, so that a listing can tell what changed since it began. Of versions of before it is not
-- known, and they are older than any listing that is under way.
ALTER TABLE history ADD COLUMN IF NOT EXISTS sequence bigint;
