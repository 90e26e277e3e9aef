-- A sequential job's chunks are heard one after the other, and each hands on to the next
-- (pipeline/chain.h).
ALTER TABLE chunks ADD COLUMN until_samples INTEGER; -- where the next one takes over; NULL: no chain
ALTER TABLE chunks ADD COLUMN carry TEXT; -- what the engine hands on; NULL: nothing, or not needed any more
