-- What was deleted leaves the pages of the indexes too (library/erase.h), long saves let others write
-- in between (library/edit-stage.c), and words know the model's hash.

-- Of which two runs are enough to be merged by the sweep.
INSERT INTO segments_fts (segments_fts, rank) VALUES ('usermerge', 2);
INSERT INTO segments_parts (segments_parts, rank) VALUES ('usermerge', 2);
INSERT INTO names_fts (names_fts, rank) VALUES ('usermerge', 2);
-- Nobody knows what was deleted before: the first sweep goes over all of it.
INSERT INTO counters (name, value) VALUES ('erase.owed', 1);

-- The version in which a row will be no more, told before that version is there; and, of a
-- transcript, the version that is being written.
ALTER TABLE segments ADD COLUMN dies INTEGER;
ALTER TABLE transcripts ADD COLUMN staged INTEGER;
CREATE INDEX transcripts_staged ON transcripts (id) WHERE staged IS NOT NULL;
DROP INDEX segments_alive;
CREATE INDEX segments_alive ON segments (transcript_id, start_ms, ord, segment_id, content_hash,
                                         died, born, dies)
WHERE died IS NULL;

-- What a model was, beside its name: 'sha256:…' of its file. '': not known.
ALTER TABLE jobs ADD COLUMN model_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE origins ADD COLUMN model_hash TEXT NOT NULL DEFAULT '';
DROP INDEX origins_engine;
CREATE UNIQUE INDEX origins_engine ON origins (engine, engine_version, model, model_hash)
WHERE transcript_id IS NULL;

-- The history is forgotten after a while, but for what later undoing needs.
CREATE INDEX changes_age ON changes (changed_ms) WHERE kind <> 'transcript.undone';
