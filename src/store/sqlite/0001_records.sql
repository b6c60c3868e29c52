-- Names of projects, so that rows and indexes carry a small number.
CREATE TABLE projects (
    project INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE
) STRICT;

-- The columns repeat what is searched by; the body is the whole record.
CREATE TABLE logs (
    sequence   INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL,
    timestamp  INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    level      TEXT,
    event_type TEXT    NOT NULL,
    agent_name TEXT,
    trace_id   TEXT,
    body       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX logs_by_time ON logs (project, timestamp, id);
CREATE INDEX logs_by_event_type ON logs (project, event_type, timestamp, id);
CREATE INDEX logs_by_trace ON logs (project, trace_id, timestamp, id) WHERE trace_id IS NOT NULL;

CREATE TABLE spans (
    sequence   INTEGER PRIMARY KEY,
    project    INTEGER NOT NULL,
    span_id    TEXT    NOT NULL,
    trace_id   TEXT    NOT NULL,
    start_time INTEGER NOT NULL,
    open_root  INTEGER NOT NULL,
    agent_name TEXT,
    body       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX spans_by_id ON spans (project, span_id);
CREATE INDEX spans_by_trace ON spans (project, trace_id, start_time, span_id);
CREATE INDEX spans_by_start ON spans (project, start_time);
CREATE INDEX spans_open ON spans (project) WHERE open_root = 1;

-- What is known of a trace as a whole.
CREATE TABLE traces (
    project       INTEGER NOT NULL,
    trace_id      TEXT    NOT NULL,
    agent_name    TEXT,
    last_activity INTEGER NOT NULL,
    span_count    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project, trace_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX traces_by_activity ON traces (project, last_activity);

-- W3C ids that stand for ids of another form.
CREATE TABLE aliases (
    project INTEGER NOT NULL,
    alias   TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (project, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_creation ON aliases (project, created);

CREATE TABLE idempotency (
    project     INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    receipt     TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_creation ON idempotency (project, created);

CREATE TABLE metrics (
    project      INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    series_count INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- `value` is a counter's sum, a gauge's last value, a histogram's sum; `buckets` is a JSON array of counts.
CREATE TABLE series (
    sequence INTEGER PRIMARY KEY,
    project  INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    labels   TEXT    NOT NULL,
    value    REAL    NOT NULL,
    buckets  TEXT,
    updated  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX series_by_labels ON series (project, name, labels);

CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
