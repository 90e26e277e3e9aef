#pragma once
/* A whole pipeline without HTTP: store, queue, blobs and the real decoder. The test itself is the
 * worker: it claims chunks and says what the null engine would. */

#include "pipeline/pipeline-internal.h"
#include "store/fixture.h"
#include "sys/file.h"
#include "vad/make.h"

#include <fcntl.h>
#include <math.h>

#define RATE 16000
#define LOOK_MS 200 /* not every step has an event */
#define ANNA 1
#define BERT 2

struct rig {
    struct fixture f;
    struct sc_config *config;
    struct sc_live_config *live; /* of config */
    struct sc_hub *hub;
    struct sc_queue *queue;
    struct sc_blobs *blobs;
    struct sc_pipelines *p;
    int64_t worker;
    const char *setting; /* "name=value"; NULL: none */
};

void rig_open_pipelines(struct rig *r);

/* On the store that r->f has opened, of this process or an earlier one; and without its end. */
void rig_open(struct rig *r);
void rig_close(struct rig *r);

struct rig rig_new(void);

void rig_done(struct rig *r);
#define AUTO_RIG(name) SC_AUTO(rig_done) struct rig name = rig_new()

int64_t ask(struct rig *r, const char *sql);

/* ---- recordings ---- */

/* The header of a WAV of 16-bit mono. */
void wav_header(char out[44], uint32_t rate, uint32_t samples);

/* Owned by the caller. amplitude 0: silence. */
char *make_wav(int64_t ms, double amplitude, size_t *size);

/* Interleaves equally long channels into a WAV; owned by the caller. */
char *interleave(const struct recording *channels, int count, size_t *size);

/* ---- arrivals ---- */

struct upload {
    const char *bytes;
    size_t size;
    int64_t owner; /* 0: Anna */
    const char *name, *key;
    const char *const *options; /* name, value, …, NULL; NULL: no job */
};

struct sc_job_options *options_from(const char *const *pairs);

/* As the adapter does: spools the bytes into a temp file, hashes them, hands them in. A temp file
 * that a refusal leaves is removed. */
enum sc_code arrive(struct rig *r, const struct upload *u, struct sc_arrived *out,
                    struct sc_error *err);

static const char *const null_job[] = { "engine", "null", "vad", "off", NULL };

/* A job of the null engine on a new recording; *id is jobs.id. */
int64_t start_job(struct rig *r, int64_t ms, double amplitude, const char *const *options);

/* The same for a recording of these channels. */
int64_t start_recording(struct rig *r, const struct recording *channels, int count,
                        const char *const *options);

struct sc_job job_of(struct rig *r, int64_t id);

/* ---- the worker ---- */

size_t claim_lane(struct rig *r, const char *lane, int max, struct sc_chunk_work *works);

size_t claim_chunks(struct rig *r, int max, struct sc_chunk_work *works);

struct sc_fence fence_of(struct rig *r, const struct sc_task *task);

/* t<k> for each second k whose middle lies in the chunk; times from the chunk's start. */
void say(const struct sc_chunk_work *w, struct sc_segments *out);

/* The sound is as long as the chunk says. */
void check_input(struct rig *r, const struct sc_chunk_work *w);

enum sc_code complete(struct rig *r, const struct sc_chunk_work *w, bool *repeated);

/* Does up to max chunks; how many there were. */
size_t work_some(struct rig *r, int max);

/* ---- waiting: by the events that the threads publish ---- */

struct watch {
    struct rig *r;
    struct sc_subscriber *sub;
};

struct watch watch_new(struct rig *r);
void watch_done(struct watch *w);
#define AUTO_WATCH(name, rig) SC_AUTO(watch_done) struct watch name = watch_new(rig)

/* Until the query answers value; looks again at each event. */
void wait_for(struct watch *w, const char *sql, int64_t value);

/* Works until the job has ended; its state then. */
enum sc_job_state work_to_the_end(struct watch *w, int64_t id);

/* ---- results ---- */

/* The words of the job's transcript, joined by blanks. */
void text_of(struct rig *r, int64_t id, struct sc_buf *out);

/* Exactly t0 … t(n-1). */
void assert_text(struct rig *r, int64_t id, int n);
