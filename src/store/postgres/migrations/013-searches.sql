-- Which search parameters the terms of all resources were made by; the program makes them anew where it knows others.
CREATE TABLE searches (single boolean PRIMARY KEY DEFAULT true CHECK (single), fingerprint bigint NOT NULL);
