"""Search: a million segments

`bench/search-load.c` fills a store through the library's own verbs with texts of 6 to 18 words, as
common as words of a language are, and searches it: words by how common they are, two of them,
phrases, prefixes, parts of words; the best 20 transcripts with three hits each, as the API answers.
Then SQLite's `LIKE` over the same rows, for words of the same kinds: the newest 20 rows.
"""

import json
import sqlite3
import subprocess
import time

LIMIT_S = 900

TRIED = """
Marks were made by FTS5's `highlight()`, a look-up of each row that is shown: with a prefix, whose
rows FTS5 has to gather each time, one search in a hundred took 129 ms of the processor, now 13 ms,
since the walk itself tells where the words are. `bm25()` walks the whole list of each word to know
how common it is; what the window of 2,000 hits knows of that is enough, and does not change while
others write.
"""

# Kind, what people call it, the bar.
KINDS = (("rare", "rare word", 10), ("mid", "word of middle frequency", 10),
         ("frequent", "frequent word", 55), ("common", "one of the 20 commonest words", 55),
         ("two_mid", "two words", 10), ("two_common", "two of the commonest", 55),
         ("phrase", "phrase", 10), ("phrase_common", "phrase of the commonest", 55),
         ("prefix", "prefix of 4 letters", 55), ("substring", "part of a word", 55))


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show_like(ctx, path, words):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for word, name in zip(words, ("rare word", "word of middle frequency", "common word")):
        took = []
        for _ in range(ctx.pick(10, 2)):
            begun = time.perf_counter()
            db.execute("SELECT id FROM segments WHERE text LIKE ? ORDER BY id DESC LIMIT 20",
                       (f"%{word}%",)).fetchall()
            took.append(1000 * (time.perf_counter() - begun))
        ctx.figure(f"LIKE, {name}, p50", quantile(took, 0.5), "ms")
    db.close()


def run(ctx):
    segments, searches = ctx.pick((1_000_000, 300), (2000, 5))
    ctx.say(f"filling a store with {segments:,} segments")
    done = subprocess.run([ctx.program("search-load"), str(ctx.folder), str(segments),
                           str(searches)], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    ctx.note(f"{found['segments']:,} segments: {found['store_mb']:,.0f} MB.")
    ctx.figure("index entries of a segment, processor", found["index_us"], "µs", at_most=100)
    ctx.figure("a segment with its index entries, processor", found["put_us"], "µs")
    for kind, name, bar in KINDS:
        took = found[kind]
        ctx.figure(f"{name}, p50", took["p50_ms"], "ms")
        ctx.figure(f"{name}, p99", took["p99_ms"], "ms", at_most=bar)
        ctx.figure(f"{name}, p99 of the processor", took["cpu_p99_ms"], "ms")
        if took["partial"] > 0:
            ctx.note(f"{name}: {took['partial']} of {searches} ended after 50 ms with a part.")
    show_like(ctx, ctx.folder / "scripta.db", found["words"])
