-- The library: marks of files and transcripts, versions, search, formats.

-- No speech: milliseconds of a chunk's segments that were left out because nobody spoke.
ALTER TABLE chunks ADD COLUMN no_speech_ms INTEGER NOT NULL DEFAULT 0;

-- Marks. files.tags is what the recording's container says of itself.
ALTER TABLE files ADD COLUMN notes TEXT NOT NULL DEFAULT '';
CREATE TABLE file_tags (
    file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (file_id, tag)
) WITHOUT ROWID;
CREATE INDEX file_tags_tag ON file_tags (tag, file_id);
ALTER TABLE transcripts ADD COLUMN notes TEXT NOT NULL DEFAULT '';
CREATE TABLE transcript_tags (
    transcript_id INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (transcript_id, tag)
) WITHOUT ROWID;
CREATE INDEX transcript_tags_tag ON transcript_tags (tag, transcript_id);

-- Lists of jobs filter by their campaign too.
DROP VIEW v_job_scan;
CREATE VIEW v_job_scan AS
SELECT id, owner_id, file_id, campaign_id, state, stage, split_done, chunks_total,
       chunks_completed, pipeline, engine, model, language, detected_language, class, name,
       file_name, error_code, created_ms, updated_ms, completed_ms, duration_ms
FROM jobs WHERE purge = 0;

-- Versions

-- What people did to the library: which thing, by whom, when. Ids and numbers, never text. A change
-- names one thing (and other_id, which may be of anything), and goes with it.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the cursor of the history; never used again
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    changed_ms INTEGER NOT NULL,
    changed_by INTEGER NOT NULL REFERENCES principals (id),
    kind TEXT NOT NULL,                   -- sc_change_kind
    file_id INTEGER REFERENCES files (id) ON DELETE CASCADE,
    job INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    transcript_id INTEGER REFERENCES transcripts (id) ON DELETE CASCADE,
    version INTEGER,
    other_id INTEGER,
    detail TEXT NOT NULL DEFAULT '{}'     -- JSON
);
CREATE INDEX changes_owner ON changes (owner_id, id);
CREATE INDEX changes_kind ON changes (owner_id, kind, id);
CREATE INDEX changes_by ON changes (changed_by);
CREATE INDEX changes_file ON changes (file_id, id) WHERE file_id IS NOT NULL;
CREATE INDEX changes_job ON changes (job, id) WHERE job IS NOT NULL;
CREATE INDEX changes_transcript ON changes (transcript_id, id) WHERE transcript_id IS NOT NULL;

-- What made words: an engine with its model, or the edit that made a version of a transcript, which
-- the row of the version may have been pruned of.
CREATE TABLE origins_with_edits (
    id INTEGER PRIMARY KEY,
    engine TEXT NOT NULL DEFAULT '',
    engine_version TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    principal_id INTEGER REFERENCES principals (id),
    transcript_id INTEGER REFERENCES transcripts (id) ON DELETE CASCADE,
    version INTEGER,
    made_ms INTEGER
);
INSERT INTO origins_with_edits (id, engine, engine_version, model, principal_id)
SELECT id, engine, engine_version, model, principal_id FROM origins;
DROP TABLE origins;
ALTER TABLE origins_with_edits RENAME TO origins;
CREATE UNIQUE INDEX origins_engine ON origins (engine, engine_version, model)
WHERE transcript_id IS NULL;
CREATE UNIQUE INDEX origins_edit ON origins (transcript_id, version)
WHERE transcript_id IS NOT NULL;
CREATE INDEX origins_principal ON origins (principal_id);

-- The version that one is equal to, for undoing what went before that.
ALTER TABLE versions ADD COLUMN restored_from INTEGER;

-- An edit reads the order and the sums of all segments, which this index tells without their rows
-- (only with the column of its condition, as tasks_ready_oldest).
DROP INDEX segments_alive;
CREATE INDEX segments_alive ON segments (transcript_id, start_ms, ord, segment_id, content_hash,
                                         died)
WHERE died IS NULL;
CREATE INDEX segments_dead ON segments (transcript_id, died, born) WHERE died IS NOT NULL;

-- Search

-- Whom the index knows a transcript by, once its owner is '(deleted)': what it was told must be told
-- again when it is to forget.
ALTER TABLE transcripts ADD COLUMN indexed_owner_id INTEGER;

-- The content of the text index: what is alive, behind the mark of its owner (store/tokenizer.h), so
-- that FTS5 can make it again and check it.
CREATE VIEW segments_now AS
SELECT segments.id, segments.segment_id, segments.transcript_id, segments.chunk,
       segments.start_ms, segments.ord,
       char(1) || coalesce(transcripts.indexed_owner_id, transcripts.owner_id) || char(2)
           || segments.text AS text
FROM segments CROSS JOIN transcripts ON transcripts.id = segments.transcript_id
WHERE segments.died IS NULL;
DROP TABLE segments_fts;
CREATE VIRTUAL TABLE segments_fts USING fts5 (
    text,
    content = 'segments_now',
    content_rowid = 'id',
    tokenize = 'scripta'
);
INSERT INTO segments_fts (segments_fts) VALUES ('rebuild');

-- The same for parts of words: only which rows hold three signs in a row.
CREATE VIRTUAL TABLE segments_parts USING fts5 (
    text,
    content = 'segments_now',
    content_rowid = 'id',
    tokenize = 'scripta_signs',
    detail = none,
    columnsize = 0
);
INSERT INTO segments_parts (segments_parts) VALUES ('rebuild');

-- Names and notes, each behind the mark of its owner: a row of 16 times the id of its thing and
-- sc_name_kind.
CREATE VIRTUAL TABLE names_fts USING fts5 (text, tokenize = 'scripta');
INSERT INTO names_fts (rowid, text)
SELECT id * 16, char(1) || owner_id || char(2) || original_name FROM files WHERE owner_id > 0;
INSERT INTO names_fts (rowid, text)
SELECT id * 16 + 2, char(1) || owner_id || char(2) || notes FROM jobs
WHERE owner_id > 0 AND notes <> '';

-- Searches that somebody wants to have again: the parameters of the call as a JSON object of texts.
CREATE TABLE searches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the history names it
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (owner_id, name)
);
CREATE INDEX searches_owner ON searches (owner_id, id);

-- Formats
INSERT INTO export_formats (name, mime_type, file_extension, description) VALUES
    ('tsv', 'text/tab-separated-values; charset=utf-8', 'tsv',
     'The same between tabs, times in milliseconds'),
    ('lrc', 'application/x-lrc; charset=utf-8', 'lrc', 'Lyrics with times'),
    ('md', 'text/markdown; charset=utf-8', 'md', 'A document in Markdown'),
    ('docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx',
     'A document of word processors'),
    ('ass', 'text/x-ssa; charset=utf-8', 'ass', 'Advanced SubStation captions, in colours');
