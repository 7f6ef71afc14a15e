-- The words by which people are found: parts of names, birth date, numbers, phones; with the name that they are sorted by. The program
-- fills it for who is there.

CREATE TABLE person_word (
    word text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (word, id)
);
CREATE INDEX person_word_id ON person_word (id);
