-- Lists of files: each walks one index from a place on; what else is asked for is tried on each row
-- (library/file-list.c). Plans are checked by tests/unit/library/test-plans.c.

-- name: file_list_uploaded_desc
SELECT * FROM files
WHERE owner_id = :owner_id AND (uploaded_ms, id) < (:key, :id)
ORDER BY uploaded_ms DESC, id DESC;

-- name: file_list_uploaded_asc
SELECT * FROM files
WHERE owner_id = :owner_id AND (uploaded_ms, id) > (:key, :id)
ORDER BY uploaded_ms, id;

-- name: file_list_size_desc
SELECT * FROM files
WHERE owner_id = :owner_id AND (size_bytes, id) < (:key, :id)
ORDER BY size_bytes DESC, id DESC;

-- name: file_list_size_asc
SELECT * FROM files
WHERE owner_id = :owner_id AND (size_bytes, id) > (:key, :id)
ORDER BY size_bytes, id;

-- name: file_list_duration_desc
SELECT * FROM files
WHERE owner_id = :owner_id AND coalesce(duration_ms, -1) <= :key
      AND (coalesce(duration_ms, -1), id) < (:key, :id)
ORDER BY coalesce(duration_ms, -1) DESC, id DESC;

-- name: file_list_duration_asc
SELECT * FROM files
WHERE owner_id = :owner_id AND coalesce(duration_ms, -1) >= :key
      AND (coalesce(duration_ms, -1), id) > (:key, :id)
ORDER BY coalesce(duration_ms, -1), id;

-- name: file_list_name_desc
SELECT * FROM files
WHERE owner_id = :owner_id AND (original_name, id) < (:key, :id)
ORDER BY original_name DESC, id DESC;

-- name: file_list_name_asc
SELECT * FROM files
WHERE owner_id = :owner_id AND (original_name, id) > (:key, :id)
ORDER BY original_name, id;

-- name: file_list_format_desc
SELECT * FROM files WHERE owner_id = :owner_id AND format = :format AND id < :id
ORDER BY id DESC;

-- name: file_list_named_desc
SELECT * FROM files WHERE owner_id = :owner_id AND original_name = :name AND id < :id
ORDER BY id DESC;

-- name: file_list_format_asc
SELECT * FROM files WHERE owner_id = :owner_id AND format = :format AND id > :id
ORDER BY id;

-- name: file_list_named_asc
SELECT * FROM files WHERE owner_id = :owner_id AND original_name = :name AND id > :id
ORDER BY id;

-- name: file_list_tag_desc
SELECT files.* FROM file_tags CROSS JOIN files ON files.id = file_tags.file_id
WHERE file_tags.tag = :tag AND file_tags.file_id < :id
ORDER BY file_tags.file_id DESC;

-- name: file_list_tag_asc
SELECT files.* FROM file_tags CROSS JOIN files ON files.id = file_tags.file_id
WHERE file_tags.tag = :tag AND file_tags.file_id > :id
ORDER BY file_tags.file_id;

-- name: file_list_damaged_desc
SELECT * FROM files WHERE owner_id = :owner_id AND damage > 0 AND id < :id
ORDER BY id DESC;

-- name: file_list_damaged_asc
SELECT * FROM files WHERE owner_id = :owner_id AND damage > 0 AND id > :id
ORDER BY id;

-- name: file_list_saved
-- What arrived more than once, what saved most first.
SELECT * FROM files
WHERE owner_id = :owner_id AND arrivals > 1
      AND (arrivals - 1) * size_bytes <= :key
      AND ((arrivals - 1) * size_bytes, id) < (:key, :id)
ORDER BY (arrivals - 1) * size_bytes DESC, id DESC;

-- name: file_is_used
SELECT 1 AS used FROM jobs WHERE file_id = :file_id AND purge = 0 LIMIT 1;

-- name: file_formats
SELECT format, count(*) AS files, sum(size_bytes) AS bytes FROM files
WHERE owner_id = :owner_id GROUP BY format ORDER BY format;
