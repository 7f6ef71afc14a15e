-- Versions of a type by when they were written, for its history and that of the system.
CREATE INDEX resource_written ON resource (type, updated_nanos DESC, id DESC, version DESC);
CREATE INDEX history_written ON history (type, updated_nanos DESC, id DESC, version DESC);
