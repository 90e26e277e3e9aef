#include "cli/follow.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/format.h"

#include "base/banned.h"

#define POLL_MIN_MS 200
#define POLL_MAX_MS 1000
#define QUIET_MS 3000 /* a stream that says nothing for so long is checked by a look at the job */
#define AWAY_MS 60000 /* how long a server that is not ours may be away */

struct state {
    struct sc_cli *cli;
    const struct sc_follow *follow;
    struct sc_progress shown;
    char stage[48];
    struct sc_buf said;   /* what was said last, as it is shown */
    double duration_s;    /* of the recording; 0: unknown */
    int64_t moved_ms;     /* when this run's progress began to move, monotonic; 0: not yet */
    double moved_percent; /* where it began */
    struct sc_buf cursor; /* the last event seen */
    int64_t heard_ms;     /* when the stream last said something, monotonic */
    bool ended;           /* an event said so */
};

void sc_job_end_done(struct sc_job_end *end)
{
    sc_buf_done(&end->reply);
}

bool sc_job_end_is_silent(struct sc_cli *cli, const struct sc_job_end *end)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *job = NULL;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *list = NULL;
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    if (end->transcript_id == 0 || sc_json_parse(sc_buf_str(&end->reply), &job, NULL) != SC_OK)
        return false;
    /* The list has its figures; the transcript itself would come with all of its text. */
    sc_buf_puts(&path, "/api/transcripts?limit=1&job_id=");
    sc_url_encode(&path, sc_json_get_str(sc_json_member(sc_json_root(job), "job_id"), SC_STR("")));
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &list, NULL) != SC_OK)
        return false; /* a courtesy: the text is there in any case */
    const struct sc_json_value *rows = sc_json_member(sc_json_root(list), "transcripts");
    return rows != NULL && sc_json_count(rows) == 1 &&
           sc_json_get_int(sc_json_member(sc_json_at(rows, 0), "segment_count"), -1) == 0;
}

void sc_job_end_tell(const struct sc_cli *cli, const char *label, const struct sc_job_end *end)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (sc_json_parse(sc_buf_str(&end->reply), &doc, NULL) != SC_OK)
        return;
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "warnings");
    for (size_t i = 0; list != NULL && i < sc_json_count(list); i++) {
        SC_AUTO_BUF text = { 0 };
        sc_cli_put_message(&text,
                           sc_json_get_text(sc_json_member(sc_json_at(list, i), "message"), ""));
        sc_cli_note(cli, "%s: %s", label, sc_buf_text(&text));
    }
}

static bool is_final(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* Certain or provisional: here it is only shown, and the text comes at the end. */
static void note_said(struct state *s, struct sc_str type, const struct sc_json_value *event)
{
    if (!sc_str_equal(type, SC_STR("segment")) &&
        !sc_str_equal(type, SC_STR("segment_provisional")))
        return;
    sc_buf_reset(&s->said);
    sc_format_clock(&s->said, sc_json_get_real(sc_json_member(event, "start"), 0));
    sc_buf_puts(&s->said, "  ");
    sc_buf_put_str(&s->said,
                   sc_str_trim(sc_json_get_str(sc_json_member(event, "text"), SC_STR(""))));
    s->shown.said = sc_buf_text(&s->said);
}

/* Speed and ETA come from what this command saw, so that a wait in the queue does not count. */
static void note_progress(struct state *s, const char *status, const char *stage, double percent)
{
    int64_t now = sc_clock_mono_ms();
    struct sc_progress *p = &s->shown;

    (void)snprintf(s->stage, sizeof(s->stage), "%s",
                   strcmp(status, "processing") == 0 && stage[0] != '\0' ? stage : status);
    p->percent = percent;
    if (s->moved_ms == 0 || percent < s->moved_percent) {
        if (percent > 0) {
            s->moved_ms = now;
            s->moved_percent = percent;
        }
        return;
    }
    double elapsed = (double)(now - s->moved_ms) / 1000;
    double done = percent - s->moved_percent;
    if (elapsed < 0.2 || done <= 0)
        return;
    p->eta_s = (100 - percent) / done * elapsed;
    p->speed = s->duration_s * done / 100 / elapsed;
}

static void show(struct state *s)
{
    if (s->follow->line != NULL)
        sc_progress_show(s->follow->line, &s->shown);
}

static bool past_deadline(const struct sc_follow *f)
{
    return f->deadline_ms != 0 && sc_clock_mono_ms() >= f->deadline_ms;
}

/* Asked by the client several times a second: the place to keep the line alive. */
static bool should_stop(void *ctx)
{
    struct state *s = ctx;
    show(s);
    return sc_cli_interrupted() || past_deadline(s->follow);
}

static bool should_stop_listening(void *ctx)
{
    struct state *s = ctx;
    return should_stop(s) || sc_clock_mono_ms() - s->heard_ms > QUIET_MS;
}

static bool on_event(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct state *s = ctx;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;

    s->heard_ms = sc_clock_mono_ms();
    if (id.len > 0) {
        sc_buf_reset(&s->cursor);
        sc_buf_put_str(&s->cursor, id);
    }
    if (sc_json_parse(data, &doc, NULL) != SC_OK)
        return true;
    const struct sc_json_value *root = sc_json_root(doc);
    note_said(s, type, root);
    const char *status = sc_json_get_text(sc_json_member(root, "status"), "");
    double percent = sc_json_get_real(sc_json_member(root, "progress"), -1);
    if (status[0] != '\0' && percent >= 0)
        note_progress(s, status, sc_json_get_text(sc_json_member(root, "stage"), ""), percent);
    s->ended = is_final(status);
    show(s);
    return !s->ended && !sc_cli_interrupted() && !past_deadline(s->follow);
}

/* Why the job did not complete, as an error of ours. */
static void take_failure(const struct sc_json_value *job, const char *status,
                         struct sc_error *error)
{
    enum sc_code code;
    const char *name = sc_json_get_text(sc_json_member(job, "error_code"), "");
    const char *message = sc_json_get_text(sc_json_member(job, "error_message"), "");
    const char *stage = sc_json_get_text(sc_json_member(job, "error_stage"), "");
    const char *id = sc_json_get_text(sc_json_member(job, "job_id"), "");

    if (strcmp(status, "cancelled") == 0) {
        (void)sc_error_set(error, SC_E_CANCELLED,
                           "job %s was cancelled; `scripta jobs retry %s` "
                           "goes on",
                           id, id);
        return;
    }
    if (!sc_code_parse(name, &code) || code == SC_OK)
        code = SC_E_INTERNAL;
    (void)sc_error_set(error, code, "job %s failed%s%s: %s", id, stage[0] == '\0' ? "" : " in ",
                       stage, message[0] == '\0' ? sc_code_text(code) : message);
}

/* Reads the job; *final tells whether it has ended, and *end is then filled. */
static enum sc_code look(struct state *s, struct sc_job_end *end, bool *final, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", s->follow->job_id, "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;

    enum sc_code code = sc_cli_fetch(s->cli, "GET", path, &reply, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *job = sc_json_root(doc);
    const char *status = sc_json_get_text(sc_json_member(job, "status"), "");
    s->duration_s = sc_json_get_real(sc_json_member(job, "duration_seconds"), 0);
    note_progress(s, status, sc_json_get_text(sc_json_member(job, "stage"), ""),
                  sc_json_get_real(sc_json_member(job, "progress"), 0));
    *final = is_final(status);
    if (!*final)
        return SC_OK;
    end->completed = strcmp(status, "completed") == 0;
    end->transcript_id = sc_json_get_int(sc_json_member(job, "transcript_id"), 0);
    if (!end->completed)
        take_failure(job, status, &end->error);
    end->reply = reply;
    reply = (struct sc_buf){ 0 };
    return SC_OK;
}

static enum sc_code listen_once(struct state *s, struct sc_error *err)
{
    SC_AUTO_BUF path = { 0 };

    sc_buf_puts(&path, "/api/events?job_id=");
    sc_url_encode(&path, sc_str_from(s->follow->job_id));
    /* Else from the job's first event: one that came between the look at the job and this is not
     * missed. */
    if (s->cursor.len > 0) {
        sc_buf_puts(&path, "&since=");
        sc_url_encode(&path, sc_buf_str(&s->cursor));
    }
    s->heard_ms = sc_clock_mono_ms();
    sc_client_set_stop(s->cli->client, should_stop_listening, s);
    enum sc_code code = sc_client_events(s->cli->client, sc_buf_text(&path), on_event, s, err);
    sc_client_set_stop(s->cli->client, NULL, NULL);
    return code;
}

/* Waits, with the line kept alive, until ms have passed or somebody wants to stop. */
static void pause_for(struct state *s, int64_t ms)
{
    int64_t until = sc_clock_mono_ms() + ms;

    while (sc_clock_mono_ms() < until && !should_stop(s))
        sc_clock_sleep_ms(SC_MIN(50, ms));
}

static enum sc_code follow(struct state *s, struct sc_job_end *end, struct sc_error *err)
{
    int64_t away_since = 0;
    int64_t wait_ms = POLL_MIN_MS;

    for (;;) {
        bool final = false;
        enum sc_code code = look(s, end, &final, err);
        if (sc_cli_interrupted())
            return sc_error_set(err, SC_E_CANCELLED, "interrupted");
        if (code == SC_OK && final)
            return SC_OK;
        if (past_deadline(s->follow))
            return sc_error_set(err, SC_E_TIMEOUT, "job %s has not ended in the time given",
                                s->follow->job_id);
        bool away = code == SC_E_SERVER_UNREACHABLE || code == SC_E_SHUTTING_DOWN;
        if (code != SC_OK && !away)
            return code;
        if (away) {
            int64_t now = sc_clock_mono_ms();
            away_since = away_since == 0 ? now : away_since;
            if (now - away_since > AWAY_MS)
                return code;
        } else {
            away_since = 0;
            code = listen_once(s, NULL);
            if (s->ended || code == SC_E_CANCELLED)
                wait_ms = 10;
            else if (code == SC_OK)
                wait_ms = POLL_MIN_MS;
            s->ended = false;
        }
        pause_for(s, wait_ms);
        wait_ms = SC_MIN(wait_ms * 2, POLL_MAX_MS);
    }
}

enum sc_code sc_follow_job(struct sc_cli *cli, const struct sc_follow *what, struct sc_job_end *end,
                           struct sc_error *err)
{
    struct state s = { .cli = cli, .follow = what };

    s.shown =
        (struct sc_progress){ .label = what->label, .stage = s.stage, .percent = -1, .eta_s = -1 };
    enum sc_code code = follow(&s, end, err);
    if (what->line != NULL)
        sc_progress_clear(what->line);
    sc_buf_done(&s.cursor);
    sc_buf_done(&s.said);
    return code;
}

void sc_follow_tell_left(const struct sc_cli *cli, const char *label, const char *job_id,
                         bool again)
{
    sc_cli_note(cli, "%s: the job goes on in the background", label);
    sc_cli_note(cli, "  scripta wait %s", job_id);
    sc_cli_note(cli, "      follows it again%s",
                again ? "; the same command again gives its text" : "");
    sc_cli_note(cli, "  scripta jobs cancel %s", job_id);
    sc_cli_note(cli, "      ends it");
}
