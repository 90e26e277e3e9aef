"""Comparing ten hours

A transcript of ten hours, 90,000 words in 10,000 segments, is compared with others of the same
recording over the Unix socket: one with a third of the words replaced, added or removed, one of
other words of the same language, and one with no word in common. Words follow Zipf's law over
12,000. The time is that of `GET /api/transcripts/{id}/compare?format=html&context=0`, with reading
both and holding them against their checksums. The bar is held against the processor time of the
server, which one thread spends: on a machine that does other things besides, the clock says more.
"""

import json
import random

from bench.common import cpu_s, timed

LIMIT_S = 300
HOURS = 10
BAR_MS = 300
SEGMENT_WORDS = 9


def vocabulary(prefix, kinds):
    return [f"{prefix}{i:x}" for i in range(kinds)]


def pick(rng, words):
    """Few words are said often, and many seldom."""
    return words[min(int(len(words) ** rng.random()), len(words) - 1)]


def changed(rng, said, words, share):
    """So much of it replaced by other words, left out or added to."""
    out = []
    for word in said:
        if rng.random() >= share:
            out.append(word)
            continue
        what = rng.randrange(3)
        out += [pick(rng, words)] * (what > 0) + [word] * (what == 2)
    return out


def as_json(said):
    """As openai-whisper writes it, words evenly over the time."""
    step = HOURS * 3600 / max(len(said), 1)
    segments = []
    for at in range(0, len(said), SEGMENT_WORDS):
        part = said[at:at + SEGMENT_WORDS]
        words = [{"word": w, "start": round((at + i) * step, 3),
                  "end": round((at + i + 1) * step, 3)} for i, w in enumerate(part)]
        segments.append({"start": words[0]["start"], "end": words[-1]["end"],
                         "text": " ".join(part), "words": words})
    return json.dumps({"language": "en", "segments": segments}).encode()


def run(context):
    rng = random.Random(7)
    count = context.pick(90000, 900)
    words, others = vocabulary("w", 12000), vocabulary("x", 12000)
    first = [pick(rng, words) for _ in range(count)]
    texts = {
        "a third of the words differs": changed(rng, first, words, 1 / 3),
        "other words of the same language": [pick(rng, words) for _ in range(count)],
        "no word in common": [pick(rng, others) for _ in range(count)],
    }
    with context.server() as server:
        client = server.client
        file_id = client.wait_job(client.upload_null(1, seed=5)["job_id"])["file_id"]

        def brought(said):
            reply = client.request("POST", f"/api/files/{file_id}/transcripts?format=json",
                                   body=as_json(said), timeout=120,
                                   headers={"Content-Type": "application/octet-stream"})
            assert reply.status == 201, reply
            return reply.json["transcript_id"]

        ids = []
        import_s = [timed(lambda s=said: ids.append(brought(s)))
                    for said in [first, *texts.values()]]

        def compare(other):
            reply = client.get(f"/api/transcripts/{ids[0]}/compare?with={other}"
                               "&format=html&context=0")
            assert reply.status == 200, reply

        def cost(what, other):
            began = cpu_s(server.process.pid)
            took = [1000 * timed(lambda: compare(other)) for _ in range(context.runs)]
            spent = 1000 * (cpu_s(server.process.pid) - began) / context.runs
            context.figure(f"{what}, processor time", spent, "ms", at_most=BAR_MS)
            context.figure(f"{what}, by the clock", took, "ms")

        cost("with itself", ids[0])
        for what, other in zip(texts, ids[1:]):
            cost(what, other)
        context.figure("importing ten hours as JSON", [1000 * s for s in import_s], "ms")
