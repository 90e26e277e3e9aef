-- Codes of three letters (deu) that earlier versions stored become those of two (de), as all
-- that is asked for and comes in does since (base/language.c, whose table this is).

CREATE TABLE language_codes (
    three TEXT PRIMARY KEY,
    two TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO language_codes VALUES
    ('aar', 'aa'), ('abk', 'ab'), ('afr', 'af'), ('aka', 'ak'), ('alb', 'sq'), ('amh', 'am'),
    ('ara', 'ar'), ('arg', 'an'), ('arm', 'hy'), ('asm', 'as'), ('ava', 'av'), ('ave', 'ae'),
    ('aym', 'ay'), ('aze', 'az'), ('bak', 'ba'), ('bam', 'bm'), ('baq', 'eu'), ('bel', 'be'),
    ('ben', 'bn'), ('bis', 'bi'), ('bod', 'bo'), ('bos', 'bs'), ('bre', 'br'), ('bul', 'bg'),
    ('bur', 'my'), ('cat', 'ca'), ('ces', 'cs'), ('cha', 'ch'), ('che', 'ce'), ('chi', 'zh'),
    ('chu', 'cu'), ('chv', 'cv'), ('cor', 'kw'), ('cos', 'co'), ('cre', 'cr'), ('cym', 'cy'),
    ('cze', 'cs'), ('dan', 'da'), ('deu', 'de'), ('div', 'dv'), ('dut', 'nl'), ('dzo', 'dz'),
    ('ell', 'el'), ('eng', 'en'), ('epo', 'eo'), ('est', 'et'), ('eus', 'eu'), ('ewe', 'ee'),
    ('fao', 'fo'), ('fas', 'fa'), ('fij', 'fj'), ('fin', 'fi'), ('fra', 'fr'), ('fre', 'fr'),
    ('fry', 'fy'), ('ful', 'ff'), ('geo', 'ka'), ('ger', 'de'), ('gla', 'gd'), ('gle', 'ga'),
    ('glg', 'gl'), ('glv', 'gv'), ('gre', 'el'), ('grn', 'gn'), ('guj', 'gu'), ('hat', 'ht'),
    ('hau', 'ha'), ('heb', 'he'), ('her', 'hz'), ('hin', 'hi'), ('hmo', 'ho'), ('hrv', 'hr'),
    ('hun', 'hu'), ('hye', 'hy'), ('ibo', 'ig'), ('ice', 'is'), ('ido', 'io'), ('iii', 'ii'),
    ('iku', 'iu'), ('ile', 'ie'), ('ina', 'ia'), ('ind', 'id'), ('ipk', 'ik'), ('isl', 'is'),
    ('ita', 'it'), ('jav', 'jv'), ('jpn', 'ja'), ('kal', 'kl'), ('kan', 'kn'), ('kas', 'ks'),
    ('kat', 'ka'), ('kau', 'kr'), ('kaz', 'kk'), ('khm', 'km'), ('kik', 'ki'), ('kin', 'rw'),
    ('kir', 'ky'), ('kom', 'kv'), ('kon', 'kg'), ('kor', 'ko'), ('kua', 'kj'), ('kur', 'ku'),
    ('lao', 'lo'), ('lat', 'la'), ('lav', 'lv'), ('lim', 'li'), ('lin', 'ln'), ('lit', 'lt'),
    ('ltz', 'lb'), ('lub', 'lu'), ('lug', 'lg'), ('mac', 'mk'), ('mah', 'mh'), ('mal', 'ml'),
    ('mao', 'mi'), ('mar', 'mr'), ('may', 'ms'), ('mkd', 'mk'), ('mlg', 'mg'), ('mlt', 'mt'),
    ('mon', 'mn'), ('mri', 'mi'), ('msa', 'ms'), ('mya', 'my'), ('nau', 'na'), ('nav', 'nv'),
    ('nbl', 'nr'), ('nde', 'nd'), ('ndo', 'ng'), ('nep', 'ne'), ('nld', 'nl'), ('nno', 'nn'),
    ('nob', 'nb'), ('nor', 'no'), ('nya', 'ny'), ('oci', 'oc'), ('oji', 'oj'), ('ori', 'or'),
    ('orm', 'om'), ('oss', 'os'), ('pan', 'pa'), ('per', 'fa'), ('pli', 'pi'), ('pol', 'pl'),
    ('por', 'pt'), ('pus', 'ps'), ('que', 'qu'), ('roh', 'rm'), ('ron', 'ro'), ('rum', 'ro'),
    ('run', 'rn'), ('rus', 'ru'), ('sag', 'sg'), ('san', 'sa'), ('sin', 'si'), ('slk', 'sk'),
    ('slo', 'sk'), ('slv', 'sl'), ('sme', 'se'), ('smo', 'sm'), ('sna', 'sn'), ('snd', 'sd'),
    ('som', 'so'), ('sot', 'st'), ('spa', 'es'), ('sqi', 'sq'), ('srd', 'sc'), ('srp', 'sr'),
    ('ssw', 'ss'), ('sun', 'su'), ('swa', 'sw'), ('swe', 'sv'), ('tah', 'ty'), ('tam', 'ta'),
    ('tat', 'tt'), ('tel', 'te'), ('tgk', 'tg'), ('tgl', 'tl'), ('tha', 'th'), ('tib', 'bo'),
    ('tir', 'ti'), ('ton', 'to'), ('tsn', 'tn'), ('tso', 'ts'), ('tuk', 'tk'), ('tur', 'tr'),
    ('twi', 'tw'), ('uig', 'ug'), ('ukr', 'uk'), ('urd', 'ur'), ('uzb', 'uz'), ('ven', 've'),
    ('vie', 'vi'), ('vol', 'vo'), ('wel', 'cy'), ('wln', 'wa'), ('wol', 'wo'), ('xho', 'xh'),
    ('yid', 'yi'), ('yor', 'yo'), ('zha', 'za'), ('zho', 'zh'), ('zul', 'zu');

UPDATE transcripts SET language = two || substr(language, 4) FROM language_codes
WHERE three = lower(substr(language, 1, 3)) AND substr(language, 4, 1) IN ('', '-', '_');
UPDATE chunks SET language = two || substr(language, 4) FROM language_codes
WHERE three = lower(substr(language, 1, 3)) AND substr(language, 4, 1) IN ('', '-', '_');
UPDATE jobs SET language = two || substr(language, 4),
                settings = replace(settings, '"language":"' || language || '"',
                                   '"language":"' || two || substr(language, 4) || '"')
FROM language_codes
WHERE three = lower(substr(language, 1, 3)) AND substr(language, 4, 1) IN ('', '-', '_');
UPDATE jobs SET detected_language = two || substr(detected_language, 4) FROM language_codes
WHERE three = lower(substr(detected_language, 1, 3))
      AND substr(detected_language, 4, 1) IN ('', '-', '_');

-- The figures: what jobs with one and the other code were counted as is added up here, not by what
-- the triggers have just noted.
DELETE FROM job_changes;
INSERT INTO job_stats
SELECT owner_id, day, state, pipeline, engine, model, two || substr(language, 4), sum(jobs),
       sum(duration_ms), sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_stats JOIN language_codes ON three = lower(substr(language, 1, 3))
WHERE substr(language, 4, 1) IN ('', '-', '_')
GROUP BY owner_id, day, state, pipeline, engine, model, two || substr(language, 4)
ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                          duration_ms = duration_ms + excluded.duration_ms,
                          processing_ms = processing_ms + excluded.processing_ms,
                          paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                          paced_ms = paced_ms + excluded.paced_ms;
DELETE FROM job_stats WHERE lower(substr(language, 1, 3)) IN (SELECT three FROM language_codes)
                            AND substr(language, 4, 1) IN ('', '-', '_');
INSERT INTO job_days
SELECT owner_id, dimension, day, two || substr(value, 4), sum(jobs), sum(duration_ms),
       sum(completed), sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_days JOIN language_codes ON three = lower(substr(value, 1, 3))
WHERE dimension = 5 AND substr(value, 4, 1) IN ('', '-', '_')
GROUP BY owner_id, dimension, day, two || substr(value, 4)
ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                          duration_ms = duration_ms + excluded.duration_ms,
                          completed = completed + excluded.completed,
                          processing_ms = processing_ms + excluded.processing_ms,
                          paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                          paced_ms = paced_ms + excluded.paced_ms;
DELETE FROM job_days WHERE dimension = 5 AND substr(value, 4, 1) IN ('', '-', '_')
                           AND lower(substr(value, 1, 3)) IN (SELECT three FROM language_codes);
DROP TABLE language_codes;

-- Whose bytes lie at a place is asked of each file below audio/ whose hash no row has.
CREATE INDEX files_place ON files (file_path) WHERE purged_ms IS NULL;
