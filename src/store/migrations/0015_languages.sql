-- What is spoken in a chunk, as its engine heard it; of one that waits for its turn, as it will be told
-- (pipeline/spoken.h). NULL: not known.
ALTER TABLE chunks ADD COLUMN language TEXT;
-- Jobs under way keep the language that they have.
UPDATE chunks SET language = (SELECT jobs.detected_language FROM jobs WHERE jobs.id = chunks.job)
WHERE processed_ms IS NOT NULL AND job IN (SELECT jobs.id FROM jobs WHERE jobs.state <> 2);
