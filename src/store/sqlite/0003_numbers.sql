-- Spans by either of their times, those in progress whatever they are, and those that ended without their parent:
-- `parent_awaited_since` is when such a span ended, until it is settled.
DROP INDEX spans_open;
DROP INDEX spans_by_start;
ALTER TABLE spans RENAME COLUMN open_root TO open;
ALTER TABLE spans ADD COLUMN end_time INTEGER;
ALTER TABLE spans ADD COLUMN parent_awaited_since INTEGER;
UPDATE spans SET open = body ->> '$.status' = 'in_progress';
UPDATE spans SET end_time = body ->> '$.end_time' WHERE open = 0;
UPDATE spans SET parent_awaited_since = end_time
WHERE body ->> '$.parent_span_id' IS NOT NULL AND NOT coalesce(body ->> '$.parent_remote', 0)
  AND NOT EXISTS (SELECT 1 FROM spans AS parent
                  WHERE parent.project = spans.project AND parent.span_id = spans.body ->> '$.parent_span_id');
CREATE INDEX spans_by_start ON spans (project, start_time, span_id);
CREATE INDEX spans_by_end ON spans (project, end_time, span_id) WHERE end_time IS NOT NULL;
CREATE INDEX spans_open ON spans (project, start_time, span_id) WHERE open = 1;
CREATE INDEX spans_awaiting_parent ON spans (project, parent_awaited_since, span_id)
    WHERE parent_awaited_since IS NOT NULL;

-- Logs by those to whom they belong.
ALTER TABLE logs ADD COLUMN session_id TEXT;
UPDATE logs SET session_id = body ->> '$.session_id' WHERE body ->> '$.session_id' IS NOT NULL;
CREATE INDEX logs_by_agent ON logs (project, agent_name, timestamp, id) WHERE agent_name IS NOT NULL;
CREATE INDEX logs_by_session ON logs (project, session_id, timestamp, id) WHERE session_id IS NOT NULL;

-- What spans say of their trace. `agent_name` is the first name that anything of the trace gives, `shown_agent` the
-- one that its spans give before that. Without a span there is neither a start nor a summary.
ALTER TABLE traces ADD COLUMN start_time INTEGER;
ALTER TABLE traces ADD COLUMN session_id TEXT;
ALTER TABLE traces ADD COLUMN shown_agent TEXT;
ALTER TABLE traces ADD COLUMN summary TEXT;
UPDATE traces SET shown_agent = agent_name;
CREATE INDEX traces_by_start ON traces (project, start_time, trace_id) WHERE start_time IS NOT NULL;
CREATE INDEX traces_by_agent ON traces (project, shown_agent, start_time, trace_id) WHERE shown_agent IS NOT NULL;
CREATE INDEX traces_by_session ON traces (project, session_id, start_time, trace_id) WHERE session_id IS NOT NULL;

-- The numbers: a row for each minute (tier 0) and each hour (tier 1), of all of an agent (kind 0), of its steps of one
-- name (kind 1) and of its failures of one fingerprint (kind 2). The kind comes before the time in the key, so that
-- each is read alone.
CREATE TABLE rollups (
    project            INTEGER NOT NULL,
    tier               INTEGER NOT NULL,
    kind               INTEGER NOT NULL,
    start              INTEGER NOT NULL,
    agent              TEXT    NOT NULL,
    step_kind          TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    model              TEXT    NOT NULL,
    started            INTEGER NOT NULL,
    ok                 INTEGER NOT NULL,
    error              INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL,
    duration_us        INTEGER NOT NULL,
    input_tokens       INTEGER NOT NULL,
    cache_read_tokens  INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    other_tokens       INTEGER NOT NULL,
    reported_cost      INTEGER NOT NULL,
    computed_cost      INTEGER NOT NULL,
    unpriced_calls     INTEGER NOT NULL,
    llm_calls          INTEGER NOT NULL,
    tool_calls         INTEGER NOT NULL,
    tool_errors        INTEGER NOT NULL,
    PRIMARY KEY (project, tier, kind, start, agent, step_kind, name, model)
) STRICT, WITHOUT ROWID;

-- How many of those that ended took how long.
CREATE TABLE rollup_latency (
    project   INTEGER NOT NULL,
    tier      INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    agent     TEXT    NOT NULL,
    step_kind TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    model     TEXT    NOT NULL,
    bucket    INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (project, tier, kind, start, agent, step_kind, name, model, bucket)
) STRICT, WITHOUT ROWID;

-- The points that are counted, for windows that begin or end within a minute, and to recount from.
CREATE TABLE counted_points (
    project   INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    id        TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    labels    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    value     REAL    NOT NULL,
    trace_id  TEXT,
    PRIMARY KEY (project, timestamp, id)
) STRICT, WITHOUT ROWID;

-- What is known of failures besides their counts; the sample is the last one.
CREATE TABLE error_groups (
    project         INTEGER NOT NULL,
    fingerprint     TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    step            TEXT    NOT NULL,
    message         TEXT    NOT NULL,
    first_seen      INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL,
    sample_trace_id TEXT    NOT NULL,
    sample_span_id  TEXT    NOT NULL,
    sample_message  TEXT    NOT NULL,
    PRIMARY KEY (project, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX error_groups_by_last_seen ON error_groups (project, last_seen);

-- What the points of a series added up to, minute by minute.
CREATE TABLE series_minutes (
    sequence INTEGER NOT NULL,
    minute   INTEGER NOT NULL,
    project  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    sum      REAL    NOT NULL,
    last     REAL    NOT NULL,
    buckets  TEXT,
    PRIMARY KEY (sequence, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_minutes_by_time ON series_minutes (project, minute);

-- How many records there are, so that none are counted to tell. Traces are those with a span.
CREATE TABLE held (
    project INTEGER PRIMARY KEY,
    logs    INTEGER NOT NULL,
    spans   INTEGER NOT NULL,
    traces  INTEGER NOT NULL
) STRICT;
INSERT INTO held
SELECT project, (SELECT count(*) FROM logs WHERE logs.project = projects.project),
       (SELECT count(*) FROM spans WHERE spans.project = projects.project), 0
FROM projects;
