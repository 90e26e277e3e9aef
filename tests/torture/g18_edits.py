"""G18: edits, rollbacks, imports and prunes of a transcript of some hundred segments, and a kill of
the server at any moment of each. The version before is there, or the new one, whole; numbers have
no gap; the search agrees with the text; the check of all that is stored has nothing to say, also
before the next start has ended what the kill left behind."""

import http.client
import json
import threading
import time

from frame import Case, Result
from harness import cli

SEGMENTS = 160
KINDS = ("one", "all", "all", "rollback", "import", "prune")


def srt(texts):
    def at(ms):
        return f"00:{ms // 60000:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
    return "".join(f"{i + 1}\n{at(i * 1000)} --> {at(i * 1000 + 900)}\n{text}\n\n"
                   for i, text in enumerate(texts))


class Edits:
    """One transcript, what it says in which version, and what is done to it."""

    def __init__(self, ctx):
        self.rng = ctx.rng
        self.server = ctx.server({"SCRIPTA_WORKERS": 1})
        self.client = self.server.client
        self.turn = 0
        job = self.client.wait_job(self.client.upload_null(4, seed=ctx.seed % 1000)["job_id"])
        reply = self.send("POST", f"/api/files/{job['file_id']}/transcripts?format=srt",
                          srt(self.texts()))
        assert reply.status == 201, reply
        self.path = f"/api/transcripts/{reply.json['transcript_id']}"
        self.said = {1: self.read()[1]}  # version -> texts

    def send(self, method, path, body):
        return self.client.request(method, path, body=body.encode(), headers={
            "Content-Type": "application/octet-stream" if method == "POST" else
            "application/json"})

    def texts(self):
        self.turn += 1
        return [f"turn{self.turn}a{i} speaks" for i in range(SEGMENTS)]

    def read(self):
        found = self.client.get(self.path).json
        return found["version"], [s["text"] for s in found["segments"]]

    def put(self, texts):
        found = self.client.get(self.path).json
        assert len(found["segments"]) == len(texts), found["version"]
        wanted = [{k: s[k] for k in ("id", "start", "end")} | {"text": text}
                  for s, text in zip(found["segments"], texts)]
        body = json.dumps({"base_version": found["version"], "segments": wanted})
        return lambda: self.send("PUT", self.path, body)

    def choose(self):
        """(what, the texts behind it, the call)."""
        now = max(self.said)
        kind = self.rng.choice(KINDS)
        if kind == "one":
            texts = list(self.said[now])
            texts[self.rng.randrange(SEGMENTS)] = self.texts()[0]
            return kind, texts, self.put(texts)
        if kind == "all":
            texts = self.texts()
            return kind, texts, self.put(texts)
        if kind == "import":
            texts = self.texts()
            return kind, texts, lambda: self.send("POST", f"{self.path}/import?format=srt",
                                                  srt(texts))
        if kind == "rollback" and len(self.said) > 1:
            to = self.rng.choice([v for v in self.said if v != now])
            return kind, self.said[to], lambda: self.client.post(
                f"{self.path}/rollback/{to}", {})
        keep = self.rng.randint(1, 3)
        return "prune", self.said[now], lambda: self.client.post(f"{self.path}/prune",
                                                                 {"keep": keep})

    def strike(self, call):
        """Makes the call and kills the server meanwhile, or behind it; the answer, or None."""
        replies = []

        def run():
            try:
                replies.append(call())
            except (OSError, http.client.HTTPException):
                pass

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(self.rng.random() ** 2 * 0.6)  # a moment of chance, no condition
        self.server.kill()
        thread.join()
        return replies[0] if replies else None

    def check(self, kind, texts, reply):
        """Old or new; true: new."""
        before = max(self.said)
        done = cli("fsck", "--json", data=self.server.data, check=0, timeout=120)
        assert json.loads(done.stdout)["problems"] == [], (kind, done.stdout)
        self.server.start()
        now, found = self.read()
        made = kind != "prune" and found != self.said[before]
        assert now in (before, before + 1) and (now > before or not made), (kind, now, before)
        assert found == (texts if now > before else self.said[before]), (kind, now)
        if reply is not None:
            assert reply.status == 200, reply
            assert kind == "prune" or reply.json.get("changed") is False or now == before + 1
        self.said[now] = found
        listed = self.client.get(f"{self.path}/versions?limit=100").json["versions"]
        numbers = [v["version_number"] for v in listed]
        assert numbers == list(range(now, now - len(numbers), -1)), (kind, numbers)
        assert [v["version_number"] for v in listed if v["is_current"]] == [now]
        self.said = {v: self.said[v] for v in numbers}
        self.check_search(found)
        return now > before

    def check_search(self, found):
        words = {text.split()[0] for text in found}
        gone = {text.split()[0] for texts in self.said.values() for text in texts} - words
        for word, hits in [(self.rng.choice(sorted(words)), 1)] + [
                (w, 0) for w in sorted(gone)[:1]]:
            groups = self.client.get(f"/api/search?q={word}").json["results"]
            assert sum(g["hit_count"] for g in groups) == hits, (word, hits, groups)


def run(ctx):
    edits = Edits(ctx)
    new = 0
    for _ in range(ctx.count):
        kind, texts, call = edits.choose()
        new += edits.check(kind, texts, edits.strike(call))
    edits.server.stop()
    edits.server.check_database()
    return Result(ctx.count, {"new versions": new})


CASES = [Case("G18.edits", "of the server amid edits, rollbacks, imports and prunes", "kills", run,
              short=3, one=50, full=500, round=25, minutes=2)]
