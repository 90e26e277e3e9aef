-- A change that tells of a deletion names nothing that is still there: the number of its file, by
-- which it is found when somebody asks what was done to that file, refers to no row.
ALTER TABLE changes ADD COLUMN gone_file_id INTEGER;
UPDATE changes SET gone_file_id = json_extract(detail, '$.file_id')
WHERE kind IN ('job.deleted', 'file.deleted');
CREATE INDEX changes_gone ON changes (gone_file_id, id) WHERE gone_file_id IS NOT NULL;
