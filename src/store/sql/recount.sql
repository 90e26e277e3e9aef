-- Counting the words of what older releases stored (library/recount.h). The counter
-- 'words.uncounted': the words of newer transcripts are counted. A new store has none.

-- name: recount_next
-- The newest of them that is not behind :until. One bound: of two the second would be asked of each
-- row.
SELECT id, segment_count, word_count FROM transcripts
WHERE id <= min(:until, (SELECT value FROM counters WHERE name = 'words.uncounted'))
ORDER BY id DESC LIMIT 1;

-- name: recount_rows
SELECT born, coalesce(died, dies) AS died, text FROM segments WHERE transcript_id = :transcript_id;

-- name: recount_version
UPDATE versions SET word_count = :words WHERE transcript_id = :transcript_id AND version = :version;

-- name: recount_transcript
-- As it was when its words were counted.
UPDATE transcripts SET word_count = :words
WHERE id = :id AND segment_count = :segments AND word_count = :was;

-- name: recount_passed
UPDATE counters SET value = :below - 1 WHERE name = 'words.uncounted' AND value >= :below;
