-- The keys of the installation. When one was last used stands beside its body, so that noting it changes no more.
CREATE TABLE keys (
    id        TEXT PRIMARY KEY,
    created   INTEGER NOT NULL,
    last_used INTEGER,
    body      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
