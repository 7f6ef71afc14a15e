-- The first layout. Times are nanoseconds since 1970, ids and records are texts of 32 and 16 characters, documents are JSON
-- as text, because neither json nor jsonb keeps both the order of keys and a way to hold \u0000.

CREATE SEQUENCE commit_sequence;

CREATE TABLE head (
    person text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    merged_into text COLLATE "C",
    absorbed text[] NOT NULL,
    wake_nanos bigint,
    leased_until_nanos bigint NOT NULL DEFAULT 0,
    document text NOT NULL
);
CREATE INDEX head_timer ON head (wake_nanos) WHERE wake_nanos IS NOT NULL;

CREATE TABLE person_identifier (
    system text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    PRIMARY KEY (system, value)
);

CREATE TABLE resource (
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    sequence bigint NOT NULL,
    updated_nanos bigint NOT NULL,
    observed_nanos bigint,
    terms text[] NOT NULL,
    document text NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (type, id)
);
CREATE INDEX resource_newest ON resource (type, sequence DESC, id DESC);
CREATE INDEX resource_person ON resource (person, type, observed_nanos DESC, id DESC);
CREATE INDEX resource_terms ON resource USING gin (terms);

CREATE TABLE history (
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    updated_nanos bigint NOT NULL,
    document text NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (type, id, version)
);

CREATE TABLE message (
    sequence bigint PRIMARY KEY,
    feed text COLLATE "C" NOT NULL,
    control text COLLATE "C" NOT NULL,
    patient text COLLATE "C",
    faulty boolean NOT NULL,
    content bytea NOT NULL,
    summary text NOT NULL,
    trace text NOT NULL,
    raw bytea NOT NULL,
    answer bytea NOT NULL
);
CREATE INDEX message_feed ON message (feed, sequence DESC);
CREATE INDEX message_control ON message (control, sequence DESC);
CREATE INDEX message_patient ON message (patient, sequence DESC) WHERE patient IS NOT NULL;
CREATE INDEX message_faulty ON message (sequence DESC) WHERE faulty;

CREATE TABLE input (
    feed text COLLATE "C" NOT NULL,
    control text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (feed, control, content)
);

-- States: 0 waiting, 1 delivered, 2 held, 3 dead. `first` marks the first unfinished delivery of its line.
CREATE TABLE delivery (
    id text COLLATE "C" PRIMARY KEY,
    partner text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    message bigint,
    state smallint NOT NULL,
    first boolean NOT NULL DEFAULT false,
    next_nanos bigint,
    leased_until_nanos bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL,
    document text NOT NULL,
    attempts text NOT NULL
);
CREATE INDEX delivery_due ON delivery (next_nanos) WHERE first;
CREATE INDEX delivery_line ON delivery (partner, person, number) WHERE state IN (0, 2);
CREATE INDEX delivery_newest ON delivery (sequence DESC, ordinal DESC);
CREATE INDEX delivery_message ON delivery (message, sequence DESC, ordinal DESC) WHERE message IS NOT NULL;
CREATE INDEX delivery_person ON delivery (person, sequence DESC, ordinal DESC);
CREATE INDEX delivery_aside ON delivery (state, sequence DESC, ordinal DESC) WHERE state IN (2, 3);

CREATE TABLE audit (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    person text COLLATE "C",
    document text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX audit_person ON audit (person, sequence DESC, ordinal DESC) WHERE person IS NOT NULL;

CREATE TABLE member (
    panel text COLLATE "C" NOT NULL,
    system text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (panel, system, value)
);

CREATE TABLE member_identifier (
    system text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    panel text COLLATE "C" NOT NULL,
    member_system text COLLATE "C" NOT NULL,
    member_value text COLLATE "C" NOT NULL,
    PRIMARY KEY (system, value, panel, member_system, member_value),
    FOREIGN KEY (panel, member_system, member_value) REFERENCES member ON DELETE CASCADE
);
CREATE INDEX member_identifier_member ON member_identifier (panel, member_system, member_value);

CREATE TABLE once (
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    expires_nanos bigint NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX once_expiry ON once (expires_nanos);

CREATE TABLE gateway_state (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);
