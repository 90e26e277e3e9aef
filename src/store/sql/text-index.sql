-- The text index (library/text-index.h). A row's index entry goes before the row dies or goes: FTS5
-- must be told the old text.

-- name: text_index_chunk
INSERT INTO segments_fts (rowid, text)
SELECT id, text FROM segments WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: text_unindex_chunk
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: text_index_row
INSERT INTO segments_fts (rowid, text)
SELECT id, text FROM segments WHERE id = :id AND died IS NULL;

-- name: text_unindex_row
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments WHERE id = :id AND died IS NULL;

-- name: text_unindex_next
-- The same rows as purge_segments deletes.
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL ORDER BY start_ms, ord, segment_id LIMIT :limit;
