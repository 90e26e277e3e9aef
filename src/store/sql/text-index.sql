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

-- Erasing (library/erase.h): what is deleted from an index stands in its pages until they are merged.

-- name: erase_owe
INSERT INTO counters (name, value) VALUES ('erase.owed', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- name: erase_debt
SELECT coalesce((SELECT value FROM counters WHERE name = 'erase.owed'), 0) AS owed,
       coalesce((SELECT value FROM counters WHERE name = 'erase.paid'), 0) AS paid;

-- name: erase_pay
INSERT INTO counters (name, value) VALUES ('erase.paid', :owed)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: erase_merge_words
-- Below 0: so many pages of a merge of all runs into one, begun with this. Else of a merge at hand.
INSERT INTO segments_fts (segments_fts, rank) VALUES ('merge', :pages);

-- name: erase_merge_parts
INSERT INTO segments_parts (segments_parts, rank) VALUES ('merge', :pages);

-- name: erase_merge_names
INSERT INTO names_fts (names_fts, rank) VALUES ('merge', :pages);

-- name: erase_runs_words
-- Which runs the index has on which level, and which of them are being merged.
SELECT block FROM segments_fts_data WHERE id = 10;

-- name: erase_runs_parts
SELECT block FROM segments_parts_data WHERE id = 10;

-- name: erase_runs_names
SELECT block FROM names_fts_data WHERE id = 10;
