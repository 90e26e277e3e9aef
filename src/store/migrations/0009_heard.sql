-- What a recogniser said of a segment besides its words: tokens, temperature, how likely, where its
-- window begins (transcript/heard.h). NULL: nothing.
ALTER TABLE segments ADD COLUMN heard BLOB;
