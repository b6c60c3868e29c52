-- Logs of the levels that people look for and few logs have: a question for them need not look at all others.
-- Written with OR: of an IN the planner does not know that one of its values implies it.
CREATE INDEX logs_by_level ON logs (project, level, timestamp, id) WHERE level = 'warn' OR level = 'error';
