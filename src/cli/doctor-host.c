/* The host: programs, kernel and jail, limits, settings. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/doctor.h"
#include "http/tls.h"
#include "sys/file.h"
#include "sys/jail.h"
#include "sys/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define PROGRAM_MS 20000
#define FILES_WANTED 1024
#define DAY_MS INT64_C(86400000)
#define EXPIRES_SOON_DAYS 14

void sc_doctor_programs(struct sc_doctor *d)
{
    static const char *const argv[] = { "scripta-media", "version", NULL };
    SC_AUTO_FREE char *path = sc_process_sibling("scripta-media");
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    int status = 0;

    if (access(path, X_OK) != 0) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "programs",
                      "install both programs into one folder, or name it in SCRIPTA_MEDIA",
                      "there is no program %s: %s", path, strerror(errno));
        return;
    }
    if (sc_process_ask(argv, -1, PROGRAM_MS, &out, &status, &err) != SC_OK || status != 0) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "programs",
                      "run it by hand: a missing library is told on standard error",
                      "%s does not run (status %d) %s", path, status, err.msg);
        return;
    }
    d->media = true;
    struct sc_str version = sc_str_trim(sc_buf_str(&out));
    if (!sc_str_equal(version, SC_STR("scripta-media " SC_VERSION))) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "programs", "install both from one build",
                      "scripta is " SC_VERSION ", but %s is '%.*s'", path, (int)version.len,
                      version.ptr);
        return;
    }
    sc_doctor_say(d, SC_MARK_OK, "programs", NULL, "scripta and scripta-media " SC_VERSION);
}

/* The real decoder on real sound, in its jail. */
static void try_jail(struct sc_doctor *d)
{
    static const char *const argv[] = { "scripta-media", "decode", "--fd", "3", "--probe", NULL };
    SC_AUTO_BUF wav = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_CLOSE int input = -1;
    struct sc_error err = { 0 };
    int status = 0;

    sc_silence_wav(&wav);
    enum sc_code code = sc_process_bytes(wav.ptr, wav.len, &input, &err);
    if (code == SC_OK)
        code = sc_process_ask(argv, input, PROGRAM_MS, &out, &status, &err);
    if (code != SC_OK || status != 0) {
        int exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        sc_doctor_say(d, SC_MARK_PROBLEM, "jail",
                      "allow seccomp: containers need no special profile, kernels CONFIG_SECCOMP",
                      "the decoder does not run in its jail (%s %d) %s",
                      exited >= 0 ? "exit" : "signal", exited >= 0 ? exited : WTERMSIG(status),
                      err.msg);
        return;
    }
    if (!sc_jail_has_landlock())
        sc_doctor_say(d, SC_MARK_WARNING, "jail",
                      "a kernel from 5.13 on with Landlock turned on adds the second wall",
                      "seccomp alone guards the decoder: this kernel has no Landlock");
    else
        sc_doctor_say(d, SC_MARK_OK, "jail", NULL, "the decoder runs behind seccomp and Landlock");
}

void sc_doctor_kernel(struct sc_doctor *d)
{
    struct utsname name;
    if (uname(&name) == 0)
        sc_doctor_say(d, SC_MARK_OK, "kernel", NULL, "%s %s on %s", name.sysname, name.release,
                      name.machine);
    if (d->media)
        try_jail(d);
}

void sc_doctor_limits(struct sc_doctor *d)
{
    struct rlimit files = { 0 }, size = { 0 };
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_FSIZE, &size);
    if (files.rlim_max < FILES_WANTED) {
        sc_doctor_say(d, SC_MARK_WARNING, "limits",
                      "raise it: ulimit -Hn, or LimitNOFILE= of the unit",
                      "at most %llu open files: few connections at a time",
                      (unsigned long long)files.rlim_max);
        return;
    }
    if (size.rlim_cur != RLIM_INFINITY) {
        sc_doctor_say(d, SC_MARK_WARNING, "limits", "lift it: ulimit -f unlimited",
                      "files may be at most %llu bytes: larger recordings and a larger store fail",
                      (unsigned long long)size.rlim_cur);
        return;
    }
    sc_doctor_say(d, SC_MARK_OK, "limits", NULL, "%llu open files",
                  (unsigned long long)files.rlim_max);
}

/* The file of "path:line" or "path (…)"; NULL: the source is none. Owned by the caller. */
static char *file_of(const struct sc_buf *source)
{
    const char *text = sc_buf_text(source);
    const char *end = strstr(text, " (");
    if (end == NULL)
        end = strrchr(text, ':');
    return end == NULL ? NULL : sc_strndup(text, (size_t)(end - text));
}

static bool check_secrets(struct sc_doctor *d)
{
    for (size_t i = 0; i < sc_option_count(); i++) {
        SC_AUTO_BUF value = { 0 };
        SC_AUTO_BUF source = { 0 };
        struct stat st;
        if (!sc_option_at(i)->secret)
            continue;
        sc_config_show(d->cli->config, i, &value, &source);
        SC_AUTO_FREE char *path = file_of(&source);
        if (path == NULL || stat(path, &st) != 0 || (st.st_mode & 077) == 0)
            continue;
        SC_AUTO_FREE char *fix = sc_asprintf("chmod 600 %s", path);
        sc_doctor_say(d, SC_MARK_WARNING, "settings", fix,
                      "%s holds the secret %s, and others may read it (mode %03o)", path,
                      sc_option_at(i)->name, (unsigned)st.st_mode & 0777);
        return false;
    }
    return true;
}

void sc_doctor_settings(struct sc_doctor *d)
{
    bool good = true;
    const struct sc_complaints *bad = d->cli->bad_settings;
    for (size_t i = 0; bad != NULL && i < bad->count; i++)
        sc_doctor_say(d, SC_MARK_PROBLEM, "settings",
                      i + 1 < bad->count ? "mend it"
                                         : "mend it; `scripta config docs` lists the settings. The "
                                           "rest was not looked at",
                      "%s", bad->rows[i].msg);
    if (d->cli->config == NULL)
        return;
    for (const char *e = sc_config_unknown_env(NULL); e != NULL; e = sc_config_unknown_env(e)) {
        sc_doctor_say(d, SC_MARK_WARNING, "settings", "unset it, or mend its name",
                      "no setting has the variable %.*s", (int)strcspn(e, "="), e);
        good = false;
    }
    if (check_secrets(d) && good)
        sc_doctor_say(d, SC_MARK_OK, "settings", NULL, "all are known and in their range");
}

void sc_doctor_certificate(struct sc_doctor *d)
{
    const struct sc_config *c = d->cli->config;
    struct sc_tls_facts facts;
    struct sc_error err = { 0 };
    char when[SC_TIME_TEXT];

    if (c->tls_cert[0] == '\0' && c->tls_key[0] == '\0')
        return;
    if (d->cli->server->certificate(c->tls_cert, c->tls_key, &facts, &err) != SC_OK) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "certificate",
                      "a server that starts now ends at once; one that runs keeps the one it has",
                      "%s", err.msg);
        return;
    }
    int64_t left_ms = facts.expires_ms - sc_clock_wall_ms();
    enum sc_mark mark = left_ms <= 0                           ? SC_MARK_PROBLEM
                        : left_ms < EXPIRES_SOON_DAYS * DAY_MS ? SC_MARK_WARNING
                                                               : SC_MARK_OK;
    sc_doctor_say(d, mark, "certificate",
                  mark == SC_MARK_OK ? NULL
                                     : "put a new one into the files of tls.cert and tls.key",
                  "%s: %s %s", facts.name, left_ms <= 0 ? "has expired" : "valid until",
                  sc_time_rfc3339(facts.expires_ms, when));
}
