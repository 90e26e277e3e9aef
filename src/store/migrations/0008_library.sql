-- The library: marks of files and transcripts, versions, search, formats.

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

-- Versions

-- Search

-- Formats
