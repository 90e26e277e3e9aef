-- What was deleted leaves the pages of the indexes too (library/erase.h).

-- Of which two runs are enough to be merged by the sweep.
INSERT INTO segments_fts (segments_fts, rank) VALUES ('usermerge', 2);
INSERT INTO segments_parts (segments_parts, rank) VALUES ('usermerge', 2);
INSERT INTO names_fts (names_fts, rank) VALUES ('usermerge', 2);
-- Nobody knows what was deleted before: the first sweep goes over all of it.
INSERT INTO counters (name, value) VALUES ('erase.owed', 1);
