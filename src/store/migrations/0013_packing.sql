-- Where the sound of a chunk lies when pauses in it were shortened: 'START-END,…' in samples of the
-- recording, in order (pipeline/stretches.h). NULL: from start_samples to end_samples without a gap.
ALTER TABLE chunks ADD COLUMN stretches TEXT;
