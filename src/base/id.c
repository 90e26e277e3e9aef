#include "base/id.h"

#include "base/clock.h"
#include "base/lock.h"

#include <errno.h>
#include <sys/random.h>

#include "base/banned.h"

/* A UUID of version 7 is 48 bits of milliseconds and 74 random bits. Within one millisecond, and
 * while the clock stands or steps back, the random part is a counter that grows by random steps:
 * ids stay in order and hard to guess, and two processes after a fork do not repeat each other. */
#define LOW_BITS 62
#define LOW_MASK ((UINT64_C(1) << LOW_BITS) - 1)
#define HIGH_MAX 0xfffu

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by lock. */
static uint64_t last_ms;
static unsigned last_high; /* 12 bits */
static uint64_t last_low;  /* 62 bits */

static void start_anew_locked(uint64_t ms)
{
    uint64_t random[2];
    sc_random_bytes(random, sizeof(random));
    last_ms = ms;
    last_high = (unsigned)(random[0] & (HIGH_MAX >> 1)); /* upper half is room to count */
    last_low = random[1] & LOW_MASK;
}

static void step_locked(void)
{
    uint32_t step;
    sc_random_bytes(&step, sizeof(step));
    last_low += (uint64_t)step + 1;
    if (last_low <= LOW_MASK)
        return;
    last_low &= LOW_MASK;
    if (last_high < HIGH_MAX)
        last_high++;
    else
        start_anew_locked(last_ms + 1);
}

void sc_uuid7(char out[SC_UUID_TEXT])
{
    SC_LOCK(&lock);
    uint64_t now = (uint64_t)sc_clock_wall_ms();
    if (now > last_ms)
        start_anew_locked(now);
    else
        step_locked();
    (void)snprintf(out, SC_UUID_TEXT, "%08x-%04x-7%03x-%04x-%012llx",
                   (unsigned)(last_ms >> 16 & 0xffffffffu), (unsigned)(last_ms & 0xffff),
                   last_high & HIGH_MAX, (unsigned)(0x8000 | (last_low >> 48 & 0x3fff)),
                   (unsigned long long)(last_low & 0xffffffffffff));
}

bool sc_uuid_is_valid(struct sc_str text)
{
    if (text.len != SC_UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (hyphen ? c != '-' : !hex)
            return false;
    }
    return true;
}

void sc_random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        sc_assert(n > 0 || (n < 0 && errno == EINTR));
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}
