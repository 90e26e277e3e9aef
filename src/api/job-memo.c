#include "api/job-memo.h"

#include "base/alloc.h"
#include "base/lock.h"

#include "base/banned.h"

#define PLACES 128
#define BODY_MAX ((size_t)8 << 10)

struct place {
    char job_id[SC_UUID_TEXT]; /* "": free */
    int64_t owner_id;
    uint64_t version;
    struct sc_buf body;
};

struct sc_job_memo {
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct place places[PLACES];
};

struct sc_job_memo *sc_job_memo_new(void)
{
    struct sc_job_memo *memo = sc_alloc(sizeof(*memo));
    sc_assert(pthread_mutex_init(&memo->lock, NULL) == 0);
    return memo;
}

void sc_job_memo_free(struct sc_job_memo *memo)
{
    if (memo == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        sc_buf_done(&memo->places[i].body);
    (void)pthread_mutex_destroy(&memo->lock);
    free(memo);
}

/* By the random end of the id. */
static struct place *place_of(struct sc_job_memo *memo, const char *job_id)
{
    size_t sum = 0;
    size_t len = strlen(job_id);
    for (size_t i = len < 8 ? 0 : len - 8; i < len; i++)
        sum = sum * 31 + (unsigned char)job_id[i];
    return &memo->places[sum % PLACES];
}

static bool is_of(const struct place *place, const struct sc_job_memo_key *key)
{
    return place->version == key->version && place->owner_id == key->owner_id &&
           strcmp(place->job_id, key->job_id) == 0;
}

bool sc_job_memo_find(struct sc_job_memo *memo, const struct sc_job_memo_key *key,
                      struct sc_buf *out)
{
    if (key->version % 2 != 0)
        return false;
    SC_LOCK(&memo->lock);
    const struct place *place = place_of(memo, key->job_id);
    bool found = is_of(place, key);
    if (found)
        sc_buf_put_str(out, sc_buf_str(&place->body));
    return found;
}

void sc_job_memo_keep(struct sc_job_memo *memo, const struct sc_job_memo_key *key,
                      struct sc_str body)
{
    if (key->version % 2 != 0 || body.len > BODY_MAX || strlen(key->job_id) >= SC_UUID_TEXT)
        return;
    SC_LOCK(&memo->lock);
    struct place *place = place_of(memo, key->job_id);
    sc_buf_reset(&place->body);
    sc_buf_put_str(&place->body, body);
    place->version = key->version;
    place->owner_id = key->owner_id;
    memcpy(place->job_id, key->job_id, strlen(key->job_id) + 1);
    if (place->body.failed)
        place->job_id[0] = '\0';
}
