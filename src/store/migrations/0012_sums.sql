-- An edit reads what it touches (library/edit.h): a segment is found by its number, and those that a
-- long edit has still to end by its version; the checksum of a version follows from that of the one
-- before (library/sum.h).
CREATE INDEX segments_number ON segments (transcript_id, segment_id) WHERE died IS NULL;
CREATE INDEX segments_dying ON segments (transcript_id, dies)
WHERE dies IS NOT NULL AND died IS NULL;
-- sc_sum_kind
ALTER TABLE versions ADD COLUMN content_hash_kind INTEGER NOT NULL DEFAULT 0;
