-- Logs of the levels that people look for and few logs have: a question for them need not look at all others.
CREATE INDEX logs_by_level ON logs (project, level, timestamp, id) WHERE level IN ('warn', 'error');
