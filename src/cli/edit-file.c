#include "cli/edit-file.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "library/operations.h"
#include "sys/file.h"
#include "transcript/combine.h"
#include "json/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define TEXT_LIMIT ((size_t)16 << 20)

static const char head[] =
    "# Transcript %" PRId64 ", version %" PRId64 ". Lines that begin with # are not read.\n"
    "# Below each mark [segment start - end speaker] stands what is said. Change the text, the\n"
    "# times or the name; take a mark away with its text to delete the segment. A mark with +\n"
    "# in place of the number is a new segment: [+ 0:12.5 - 0:14 Ann]\n";

void sc_edit_file_done(struct sc_edit_file *f)
{
    free(f->path);
    sc_json_doc_free(f->doc);
    sc_buf_done(&f->before);
    sc_buf_done(&f->conflicts);
}

/* ---- times ---- */

bool sc_edit_time_parse(struct sc_str text, int64_t *ms)
{
    double total = 0;
    int parts = 0;
    while (text.len > 0) {
        double part;
        bool last = memchr(text.ptr, ':', text.len) == NULL;
        struct sc_str piece = sc_str_take_until(&text, ':');
        if (!sc_str_to_double(piece, &part) || !(part >= 0) || part > 1e9 || ++parts > 3 ||
            (!last && part != floor(part)))
            return false;
        total = total * 60 + part;
    }
    if (parts == 0)
        return false;
    *ms = llround(total * 1000);
    return true;
}

/* "1:02:03.456" */
static void put_time(struct sc_buf *out, double seconds)
{
    int64_t ms = llround(seconds * 1000);
    if (ms >= 3600000)
        sc_buf_printf(out, "%" PRId64 ":%02" PRId64, ms / 3600000, ms / 60000 % 60);
    else
        sc_buf_printf(out, "%" PRId64, ms / 60000);
    sc_buf_printf(out, ":%02" PRId64 ".%03" PRId64, ms / 1000 % 60, ms % 1000);
}

/* ---- writing ---- */

/* A line that would be read as a mark or a note has a sign in front. */
static void put_text(struct sc_buf *out, struct sc_str text)
{
    do {
        struct sc_str line = sc_str_take_until(&text, '\n'), read = sc_str_trim(line);
        if (read.len > 0 && strchr("[#\\", read.ptr[0]) != NULL)
            sc_buf_putc(out, '\\');
        sc_buf_put_str(out, line);
        sc_buf_putc(out, '\n');
    } while (text.len > 0);
}

static void put_segment(struct sc_buf *out, const struct sc_json_value *s)
{
    const char *speaker = sc_json_get_text(sc_json_member(s, "speaker"), "");
    sc_buf_printf(out, "\n[%" PRId64 " ", sc_json_get_int(sc_json_member(s, "id"), 0));
    put_time(out, sc_json_get_real(sc_json_member(s, "start"), 0));
    sc_buf_puts(out, " - ");
    put_time(out, sc_json_get_real(sc_json_member(s, "end"), 0));
    sc_buf_printf(out, "%s%s]\n", speaker[0] == '\0' ? "" : " ", speaker);
    put_text(out, sc_json_get_str(sc_json_member(s, "text"), SC_STR("")));
}

static const struct sc_json_value *segments_of(const struct sc_edit_file *f)
{
    return sc_json_member(sc_json_root(f->doc), "segments");
}

enum sc_code sc_edit_file_base(struct sc_edit_file *f, struct sc_json_doc *doc,
                               struct sc_error *err)
{
    const struct sc_json_value *transcript = sc_json_root(doc);
    f->doc = doc;
    const struct sc_json_value *segments = segments_of(f);
    f->transcript = sc_json_get_int(sc_json_member(transcript, "id"), 0);
    f->version = sc_json_get_int(sc_json_member(transcript, "version"), 0);
    if (f->version == 0)
        return sc_error_set(err, SC_E_CONFLICT,
                            "transcript %" PRId64 " is still being made: wait until its job has "
                            "completed (scripta wait %s), then edit it",
                            f->transcript,
                            sc_json_get_text(sc_json_member(transcript, "job_id"), "JOB"));
    f->before.limit = TEXT_LIMIT;
    sc_buf_printf(&f->before, head, f->transcript, f->version);
    for (size_t i = 0; segments != NULL && i < sc_json_count(segments); i++)
        put_segment(&f->before, sc_json_at(segments, i));
    if (f->before.failed)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "the transcript is too long for an editor");
    return SC_OK;
}

enum sc_code sc_edit_file_write(struct sc_edit_file *f, struct sc_json_doc *doc,
                                struct sc_error *err)
{
    const char *dir = getenv("TMPDIR");
    enum sc_code code = sc_edit_file_base(f, doc, err);
    if (code != SC_OK)
        return code;
    f->path = sc_asprintf("%s/scripta-transcript-%" PRId64 "-XXXXXX.txt",
                          dir == NULL || dir[0] == '\0' ? "/tmp" : dir, f->transcript);
    int fd = mkstemps(f->path, 4);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot make '%.100s'", f->path);
    (void)close(fd);
    return sc_file_write_atomic(f->path, sc_buf_text(&f->before), f->before.len, err);
}

void sc_edit_file_forget(struct sc_edit_file *f)
{
    (void)unlink(f->path);
}

/* As the shell tells it: 128 and the signal by which what it ran was killed. */
static int signal_of(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    return WIFEXITED(status) && WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : 0;
}

/* Runs the line in a shell, with the file as "$0", and waits. Ctrl-C and Ctrl-\ are for the editor
 * alone meanwhile, as they are for what system(3) runs. Returns the wait status; -1: it could not
 * be run. */
static int run_editor(char *line, char *path)
{
    char sh[] = "sh", flag[] = "-c";
    char *const argv[] = { sh, flag, line, path, NULL };
    static const int keys[] = { SIGINT, SIGQUIT };
    struct sigaction ignored = { .sa_handler = SIG_IGN }, before[SC_ARRAY_LEN(keys)];
    posix_spawnattr_t attr;
    sigset_t defaults;
    pid_t pid;
    int status = -1;
    (void)sigemptyset(&defaults);
    for (size_t i = 0; i < SC_ARRAY_LEN(keys); i++) {
        (void)sigaction(keys[i], &ignored, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            (void)sigaddset(&defaults, keys[i]);
    }
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigdefault(&attr, &defaults);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    if (posix_spawn(&pid, "/bin/sh", NULL, &attr, argv, environ) == 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)posix_spawnattr_destroy(&attr);
    for (size_t i = 0; i < SC_ARRAY_LEN(keys); i++)
        (void)sigaction(keys[i], &before[i], NULL);
    return status;
}

/* Does the file hold something that nobody else has? What cannot be read may be that. */
static bool is_written(const struct sc_edit_file *f)
{
    SC_AUTO_BUF now = { .limit = TEXT_LIMIT };
    enum sc_code code = sc_file_read(f->path, TEXT_LIMIT, &now, NULL);
    if (code == SC_E_NOT_FOUND)
        return false;
    return code != SC_OK || !sc_str_equal(sc_buf_str(&now), sc_buf_str(&f->before));
}

enum sc_code sc_edit_file_open(struct sc_edit_file *f, bool *kept, struct sc_error *err)
{
    char how[48] = "could not be run";
    const char *editor = getenv("VISUAL");
    if (editor == NULL || editor[0] == '\0')
        editor = getenv("EDITOR");
    if (editor == NULL || editor[0] == '\0')
        editor = "vi";
    /* By the shell, since people have arguments in it: EDITOR="code --wait". */
    SC_AUTO_FREE char *line = sc_asprintf("%s \"$0\"", editor);
    int status = run_editor(line, f->path);
    if (status == 0)
        return SC_OK;
    if (status != -1 && signal_of(status) != 0)
        (void)snprintf(how, sizeof(how), "was killed by signal %d", signal_of(status));
    else if (status != -1)
        (void)snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
    *kept = is_written(f);
    if (!*kept)
        sc_edit_file_forget(f);
    return sc_error_set(err, SC_E_INVALID_VALUE,
                        "the editor '%.80s' %s; nothing has changed. Choose another one with "
                        "$EDITOR",
                        editor, how);
}

enum sc_code sc_edit_text_read(const char *path, struct sc_buf *out, struct sc_error *err)
{
    struct sc_error why = { 0 };
    bool is_input = strcmp(path, "-") == 0;
    enum sc_code code = sc_file_read_any(is_input ? "/dev/stdin" : path, TEXT_LIMIT, out, err);
    if (code != SC_OK)
        return code;
    if (sc_str_starts(sc_buf_str(out), SC_STR("\xef\xbb\xbf"))) {
        out->len -= 3;
        memmove(out->ptr, out->ptr + 3, out->len + 1); /* with its NUL */
    }
    if (sc_utf8_check_text(sc_buf_str(out), &why) == SC_OK)
        return SC_OK;
    return sc_error_field(err, why.code, "text", "%.100s, %.130s",
                          is_input ? "standard input" : path, why.msg);
}

/* ---- reading ---- */

struct entry {
    int64_t id; /* 0: a new one */
    int64_t start_ms, end_ms;
    char *speaker, *text; /* owned */
    bool seen;
    const struct entry *was;           /* borrowed: what this one was; NULL: it is new */
    const struct sc_json_value *shown; /* borrowed: as GET has it; NULL: somebody wrote it */
};
struct entries {
    struct entry *items; /* owned */
    size_t count, cap;
};

static void entries_done(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->items[i].speaker);
        free(e->items[i].text);
    }
    free(e->items);
}

static enum sc_code bad_line(int64_t line, const char *why, struct sc_error *err)
{
    return sc_error_set(err, SC_E_INVALID_VALUE, "line %" PRId64 ": %s", line, why);
}

/* Takes its texts over. */
static void add_entry(struct entries *all, const struct entry *e)
{
    void *items = all->items;
    sc_grow(&items, &all->cap, all->count + 1, sizeof(*all->items));
    all->items = items;
    all->items[all->count++] = *e;
}

/* "[12 0:01.5 - 0:03 Ann]" */
static enum sc_code take_mark(struct entries *all, struct sc_str mark, int64_t line,
                              struct sc_error *err)
{
    struct sc_str rest = { mark.ptr + 1, mark.len - 2 };
    struct sc_str id = sc_str_take_until(&rest, ' ');
    rest = sc_str_trim(rest);
    struct sc_str start = sc_str_take_until(&rest, ' ');
    rest = sc_str_trim(rest);
    struct sc_str dash = sc_str_take_until(&rest, ' ');
    rest = sc_str_trim(rest);
    struct sc_str end = sc_str_take_until(&rest, ' ');
    struct sc_str speaker = sc_str_trim(rest);
    struct entry e = { .id = 0 };
    bool known = sc_str_equal(id, SC_STR("+")) || (sc_str_to_int64(id, &e.id) && e.id > 0);
    if (!known || !sc_str_equal(dash, SC_STR("-")) || !sc_edit_time_parse(start, &e.start_ms) ||
        !sc_edit_time_parse(end, &e.end_ms))
        return bad_line(line, "a mark looks like [12 0:01.5 - 0:03 Ann]", err);
    e.speaker = sc_strndup(speaker.ptr, speaker.len);
    e.text = sc_strdup("");
    add_entry(all, &e);
    return SC_OK;
}

static enum sc_code take_text(struct entries *all, struct sc_str text, int64_t line,
                              struct sc_error *err)
{
    if (all->count == 0)
        return bad_line(line, "text in front of the first mark", err);
    struct entry *e = &all->items[all->count - 1];
    if (text.ptr[0] == '\\' && text.len > 1)
        text = (struct sc_str){ text.ptr + 1, text.len - 1 };
    char *both =
        sc_asprintf("%s%s%.*s", e->text, e->text[0] == '\0' ? "" : " ", (int)text.len, text.ptr);
    free(e->text);
    e->text = both;
    return SC_OK;
}

static enum sc_code parse(struct sc_str text, struct entries *all, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (int64_t line = 1; code == SC_OK && text.len > 0; line++) {
        struct sc_str one = sc_str_trim(sc_str_take_until(&text, '\n'));
        if (one.len == 0 || one.ptr[0] == '#')
            continue;
        bool mark = one.ptr[0] == '[' && one.ptr[one.len - 1] == ']';
        code = mark ? take_mark(all, one, line, err) : take_text(all, one, line, err);
    }
    return code;
}

struct steps {
    struct sc_json *w;
    size_t count;
};

static void begin_step(struct steps *s, const char *op, int64_t id)
{
    s->count++;
    sc_json_object(s->w, NULL);
    sc_json_text(s->w, "op", op);
    if (id > 0)
        sc_json_int(s->w, "segment", id);
}

static void put_difference(struct steps *s, const struct entry *before, const struct entry *after)
{
    if (strcmp(before->text, after->text) != 0) {
        begin_step(s, "text", after->id);
        sc_json_text(s->w, "text", after->text);
        sc_json_end(s->w);
    }
    if (strcmp(before->speaker, after->speaker) != 0) {
        begin_step(s, "speaker", after->id);
        sc_json_text(s->w, "speaker", after->speaker);
        sc_json_end(s->w);
    }
    if (before->start_ms != after->start_ms || before->end_ms != after->end_ms) {
        begin_step(s, "times", after->id);
        sc_json_seconds(s->w, "start", after->start_ms);
        sc_json_seconds(s->w, "end", after->end_ms);
        sc_json_end(s->w);
    }
}

static void put_new(struct steps *s, const struct entry *e)
{
    begin_step(s, "insert", 0);
    sc_json_seconds(s->w, "start", e->start_ms);
    sc_json_seconds(s->w, "end", e->end_ms);
    sc_json_text(s->w, "text", e->text);
    sc_json_text(s->w, "speaker", e->speaker);
    sc_json_end(s->w);
}

/* The segment with this id, looked for from *at on, which is moved: mostly it is the next one.
 * NULL: there is none. */
static struct entry *find_entry(const struct entries *all, int64_t id, size_t *at)
{
    for (size_t n = 0; n < all->count; n++) {
        struct entry *e = &all->items[(*at + n) % all->count];
        if (e->id == id) {
            *at = (*at + n + 1) % all->count;
            return e;
        }
    }
    return NULL;
}

static enum sc_code refuse_id(int64_t id, bool is_there, struct sc_error *err)
{
    return sc_error_set(err, SC_E_INVALID_VALUE,
                        "segment %" PRId64 " %s: a new one has + for its number", id,
                        is_there ? "stands there twice" : "was not there");
}

static enum sc_code put_steps(struct steps *s, struct entries *before, struct entries *after,
                              struct sc_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < after->count; i++) {
        struct entry *e = &after->items[i];
        if (e->id == 0) {
            put_new(s, e);
            continue;
        }
        struct entry *was = find_entry(before, e->id, &at);
        if (was == NULL || was->seen)
            return refuse_id(e->id, was != NULL, err);
        was->seen = true;
        e->was = was;
        put_difference(s, was, e);
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!before->items[i].seen) {
            begin_step(s, "delete", before->items[i].id);
            sc_json_end(s->w);
        }
    }
    return SC_OK;
}

/* ---- too many steps ---- */

/* Those that start at the same time stay as they stand. */
static int compare_starts(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    int by_start = (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
    return by_start != 0 ? by_start : (x > y) - (x < y);
}

/* What nobody touched is sent as GET has it: the file joins lines and trims them. */
static void put_as_shown(struct sc_json *w, const char *key, const char *mine, const char *before,
                         const struct entry *was)
{
    bool touched = was == NULL || was->shown == NULL || strcmp(mine, before) != 0;
    const struct sc_json_value *shown = touched ? NULL : sc_json_member(was->shown, key);
    sc_json_str(w, key, sc_json_get_str(shown, sc_str_from(mine)));
}

/* All segments, in the order of time. */
static void put_whole(struct sc_json *w, const struct entries *all)
{
    SC_AUTO_FREE const struct entry **sorted = sc_alloc_array(all->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < all->count; i++)
        sorted[i] = &all->items[i];
    qsort(sorted, all->count, sizeof(*sorted), compare_starts);
    for (size_t i = 0; i < all->count; i++) {
        const struct entry *e = sorted[i];
        sc_json_object(w, NULL);
        if (e->id > 0)
            sc_json_int(w, "id", e->id);
        sc_json_seconds(w, "start", e->start_ms);
        sc_json_seconds(w, "end", e->end_ms);
        put_as_shown(w, "text", e->text, e->was == NULL ? NULL : e->was->text, e->was);
        put_as_shown(w, "speaker", e->speaker, e->was == NULL ? NULL : e->was->speaker, e->was);
        sc_json_end(w);
    }
}

/* ---- what others changed meanwhile ---- */

struct merge {
    const struct entries *base, *theirs;
    struct entries out;
    struct sc_buf *conflicts;
    size_t conflict_count;
};

static void merge_done(struct merge *m)
{
    entries_done(&m->out);
}

static void add_copy(struct entries *all, const struct entry *e)
{
    struct entry copy = *e;
    copy.speaker = sc_strdup(e->speaker);
    copy.text = sc_strdup(e->text);
    add_entry(all, &copy);
}

static bool are_equal(const struct entry *a, const struct entry *b)
{
    return a->start_ms == b->start_ms && a->end_ms == b->end_ms &&
           strcmp(a->speaker, b->speaker) == 0 && strcmp(a->text, b->text) == 0;
}

static void refuse(struct merge *m, int64_t id, const char *what, const char *mine,
                   const char *theirs)
{
    m->conflict_count++;
    sc_buf_printf(m->conflicts, "segment %" PRId64 ", %s: yours ", id, what);
    sc_utf8_append_printable(m->conflicts, sc_str_from(mine));
    sc_buf_puts(m->conflicts, "; theirs ");
    sc_utf8_append_printable(m->conflicts, sc_str_from(theirs));
    sc_buf_putc(m->conflicts, '\n');
}

/* Sets what the one who changed it says; false: both did, each otherwise. */
static bool merge_name(char **mine, const char *base, const char *theirs)
{
    if (strcmp(*mine, base) != 0)
        return strcmp(theirs, base) == 0 || strcmp(*mine, theirs) == 0;
    free(*mine);
    *mine = sc_strdup(theirs);
    return true;
}

static bool merge_time(int64_t *mine, int64_t base, int64_t theirs)
{
    if (*mine != base)
        return theirs == base || theirs == *mine;
    *mine = theirs;
    return true;
}

static enum sc_code merge_text(struct merge *m, struct entry *e, const struct entry *base,
                               const struct entry *theirs, struct sc_error *err)
{
    SC_AUTO_BUF text = { .limit = TEXT_LIMIT };
    if (merge_name(&e->text, base->text, theirs->text))
        return SC_OK;
    enum sc_combined how = sc_text_combine(base->text, e->text, theirs->text, &text);
    if (how == SC_COMBINE_NO_MEMORY || text.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for segment %" PRId64, e->id);
    if (how == SC_COMBINE_CLASH) {
        refuse(m, e->id, "text", e->text, theirs->text);
        return SC_OK;
    }
    free(e->text);
    e->text = sc_strdup(sc_buf_text(&text));
    return SC_OK;
}

/* A segment that all three have. */
static enum sc_code merge_entry(struct merge *m, const struct entry *mine, const struct entry *base,
                                const struct entry *theirs, struct sc_error *err)
{
    add_copy(&m->out, mine);
    struct entry *e = &m->out.items[m->out.count - 1];
    if (!merge_name(&e->speaker, base->speaker, theirs->speaker))
        refuse(m, e->id, "speaker", e->speaker, theirs->speaker);
    bool start = merge_time(&e->start_ms, base->start_ms, theirs->start_ms);
    bool end = merge_time(&e->end_ms, base->end_ms, theirs->end_ms);
    if (!start || !end) {
        SC_AUTO_BUF a = { 0 };
        SC_AUTO_BUF b = { 0 };
        put_time(&a, (double)(start ? mine->end_ms : mine->start_ms) / 1000);
        put_time(&b, (double)(start ? theirs->end_ms : theirs->start_ms) / 1000);
        refuse(m, e->id, start ? "end" : "start", sc_buf_text(&a), sc_buf_text(&b));
    }
    return merge_text(m, e, base, theirs, err);
}

/* Marks in the base what mine has. */
static enum sc_code merge_mine(struct merge *m, const struct entries *mine, struct sc_error *err)
{
    size_t base_at = 0, theirs_at = 0;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < mine->count; i++) {
        const struct entry *e = &mine->items[i];
        if (e->id == 0) {
            add_copy(&m->out, e);
            continue;
        }
        struct entry *base = find_entry(m->base, e->id, &base_at);
        if (base == NULL || base->seen)
            return refuse_id(e->id, base != NULL, err);
        base->seen = true;
        const struct entry *theirs = find_entry(m->theirs, e->id, &theirs_at);
        if (theirs != NULL)
            code = merge_entry(m, e, base, theirs, err);
        else if (!are_equal(e, base))
            refuse(m, e->id, "which they took away", e->text, "-");
    }
    return code;
}

/* What they added stays; what mine took away goes when they left it as it was. */
static void merge_theirs(struct merge *m)
{
    size_t at = 0;
    for (size_t i = 0; i < m->theirs->count; i++) {
        const struct entry *e = &m->theirs->items[i];
        const struct entry *base = find_entry(m->base, e->id, &at);
        if (base == NULL)
            add_copy(&m->out, e);
        else if (!base->seen && !are_equal(e, base))
            refuse(m, e->id, "which you took away", "-", e->text);
    }
}

/* Replaces what somebody wrote by that and what others wrote meanwhile. */
static enum sc_code merge(struct sc_edit_file *f, const struct entries *base,
                          const struct entries *theirs, struct entries *mine, struct sc_error *err)
{
    SC_AUTO(merge_done) struct merge m = { base, theirs, .conflicts = &f->conflicts };
    enum sc_code code = merge_mine(&m, mine, err);
    if (code != SC_OK)
        return code;
    merge_theirs(&m);
    if (m.conflict_count > 0)
        return sc_error_field(
            err, SC_E_CONFLICT, "text",
            "nothing was saved: %zu of your changes and of those that others made "
            "meanwhile are of the same words",
            m.conflict_count);
    struct entries both = m.out;
    m.out = *mine;
    *mine = both;
    return SC_OK;
}

/* "# Transcript 6, version 1. ..." */
bool sc_edit_file_head(struct sc_str text, int64_t *transcript, int64_t *version)
{
    static const struct sc_str first = SC_STR("# Transcript "), second = SC_STR(" version ");
    struct sc_str line = sc_str_take_until(&text, '\n');
    if (!sc_str_starts(line, first))
        return false;
    line = (struct sc_str){ line.ptr + first.len, line.len - first.len };
    struct sc_str id = sc_str_take_until(&line, ',');
    if (!sc_str_starts(line, second))
        return false;
    line = (struct sc_str){ line.ptr + second.len, line.len - second.len };
    return sc_str_to_int64(id, transcript) &&
           sc_str_to_int64(sc_str_take_until(&line, '.'), version);
}

/* Was the text made of what it is compared with? Who took the head away answers for it. */
static enum sc_code check_head(const struct sc_edit_file *f, struct sc_str text,
                               struct sc_error *err)
{
    int64_t transcript, version;
    if (!sc_edit_file_head(text, &transcript, &version))
        return SC_OK;
    if (transcript != f->transcript)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "the text is of transcript %" PRId64 ", not of %" PRId64, transcript,
                            f->transcript);
    if (version != f->version)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "the text is of version %" PRId64 ", not of %" PRId64
                            ", as its first line says: give it with --text-file",
                            version, f->version);
    return SC_OK;
}

/* What was written of a version, each segment with how GET has it. */
static enum sc_code parse_base(const struct sc_edit_file *f, struct entries *all,
                               struct sc_error *err)
{
    const struct sc_json_value *segments = segments_of(f);
    size_t at = 0;
    enum sc_code code = parse(sc_buf_str(&f->before), all, err);
    for (size_t i = 0; code == SC_OK && segments != NULL && i < sc_json_count(segments); i++) {
        const struct sc_json_value *shown = sc_json_at(segments, i);
        struct entry *e = find_entry(all, sc_json_get_int(sc_json_member(shown, "id"), 0), &at);
        if (e != NULL)
            e->shown = shown;
    }
    return code;
}

/* What was written, with what others changed meanwhile. */
static enum sc_code read_text(struct sc_edit_file *f, struct sc_str text,
                              const struct sc_edit_file *theirs, struct entries *before,
                              struct entries *after, struct sc_error *err)
{
    SC_AUTO(entries_done) struct entries base = { 0 };
    enum sc_code code = check_head(f, text, err);
    if (code == SC_OK)
        code = parse_base(f, &base, err);
    if (code == SC_OK)
        code = parse(text, after, err);
    if (code == SC_OK && after->count == 0 && base.count > 0)
        code = sc_error_set(err, SC_E_INVALID_VALUE,
                            "the text is empty, so nothing was saved; segments are taken away "
                            "with --delete");
    if (code == SC_OK && theirs != NULL)
        code = parse_base(theirs, before, err);
    if (code == SC_OK && theirs != NULL)
        return merge(f, &base, before, after, err);
    if (code == SC_OK) {
        *before = base;
        base = (struct entries){ 0 };
    }
    return code;
}

static void begin_body(struct sc_json *w, const struct sc_edit_file *on, const char *note,
                       const char *list, struct sc_buf *body)
{
    sc_buf_reset(body);
    sc_json_begin(w, body);
    sc_json_object(w, NULL);
    sc_json_int(w, "base_version", on->version);
    if (note != NULL)
        sc_json_text(w, "change_note", note);
    sc_json_array(w, list);
}

enum sc_code sc_edit_file_compare(struct sc_edit_file *f, struct sc_str text,
                                  const struct sc_edit_asks *asks, struct sc_buf *body,
                                  struct sc_error *err)
{
    SC_AUTO(entries_done) struct entries before = { 0 };
    SC_AUTO(entries_done) struct entries after = { 0 };
    const struct sc_edit_file *on = asks->theirs == NULL ? f : asks->theirs;
    struct sc_json w;
    struct steps steps = { .w = &w };
    enum sc_code code = read_text(f, text, asks->theirs, &before, &after, err);
    if (code != SC_OK)
        return code;
    begin_body(&w, on, asks->note, "operations", body);
    code = put_steps(&steps, &before, &after, err);
    if (code != SC_OK)
        return code;
    f->steps = steps.count;
    f->whole = steps.count > SC_OPERATIONS_MAX;
    if (f->whole) {
        begin_body(&w, on, asks->note, "segments", body);
        put_whole(&w, &after);
    }
    sc_json_end(&w);
    sc_json_end(&w);
    return SC_OK;
}
