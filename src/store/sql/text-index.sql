-- The text indexes (library/text-index.h), of words and of their parts. A row's entry goes before the
-- row dies or goes: FTS5 must be told the old text.

-- name: text_index_chunk
INSERT INTO segments_fts (rowid, text)
SELECT id, text FROM segments_now WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: text_unindex_chunk
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments_now WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: parts_index_chunk
INSERT INTO segments_parts (rowid, text)
SELECT id, text FROM segments_now WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: parts_unindex_chunk
INSERT INTO segments_parts (segments_parts, rowid, text)
SELECT 'delete', id, text FROM segments_now WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- name: text_index_row
INSERT INTO segments_fts (rowid, text)
SELECT id, text FROM segments_now WHERE id = :id;

-- name: text_unindex_row
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments_now WHERE id = :id;

-- name: parts_index_row
INSERT INTO segments_parts (rowid, text)
SELECT id, text FROM segments_now WHERE id = :id;

-- name: parts_unindex_row
INSERT INTO segments_parts (segments_parts, rowid, text)
SELECT 'delete', id, text FROM segments_now WHERE id = :id;

-- name: text_unindex_next
-- The same rows as purge_segments deletes.
INSERT INTO segments_fts (segments_fts, rowid, text)
SELECT 'delete', id, text FROM segments_now
WHERE transcript_id = :transcript_id ORDER BY start_ms, ord, segment_id LIMIT :limit;

-- name: parts_unindex_next
INSERT INTO segments_parts (segments_parts, rowid, text)
SELECT 'delete', id, text FROM segments_now
WHERE transcript_id = :transcript_id ORDER BY start_ms, ord, segment_id LIMIT :limit;
