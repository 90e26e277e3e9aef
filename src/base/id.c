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
/* Random bytes that nobody has had yet, from `taken` on. A child forgets them. */
static unsigned char stock[256];
static size_t taken = sizeof(stock);
static bool watches_forks;

static void forget_stock(void)
{
    taken = sizeof(stock);
}

/* An id is made for each request: a call of the kernel for each would be a tenth of the work. */
static void take_random_locked(void *out, size_t len)
{
    if (!watches_forks) {
        sc_assert(pthread_atfork(NULL, NULL, forget_stock) == 0);
        watches_forks = true;
    }
    if (sizeof(stock) - taken < len) {
        sc_random_bytes(stock, sizeof(stock));
        taken = 0;
    }
    memcpy(out, stock + taken, len);
    taken += len;
}

static void start_anew_locked(uint64_t ms)
{
    uint64_t random[2];
    take_random_locked(random, sizeof(random));
    last_ms = ms;
    last_high = (unsigned)(random[0] & (HIGH_MAX >> 1)); /* upper half is room to count */
    last_low = random[1] & LOW_MASK;
}

static void step_locked(void)
{
    uint32_t step;
    take_random_locked(&step, sizeof(step));
    last_low += (uint64_t)step + 1;
    if (last_low <= LOW_MASK)
        return;
    last_low &= LOW_MASK;
    if (last_high < HIGH_MAX)
        last_high++;
    else
        start_anew_locked(last_ms + 1);
}

/* The lowest bits of value as so many digits; returns what is behind them. */
static char *put_hex(char *to, uint64_t value, int digits)
{
    for (int i = digits; i-- > 0; value >>= 4)
        to[i] = "0123456789abcdef"[value & 15];
    return to + digits;
}

void sc_uuid7(char out[SC_UUID_TEXT])
{
    SC_LOCK(&lock);
    uint64_t now = (uint64_t)sc_clock_wall_ms();
    if (now > last_ms)
        start_anew_locked(now);
    else
        step_locked();
    char *to = put_hex(out, last_ms >> 16, 8);
    *to++ = '-';
    to = put_hex(to, last_ms, 4);
    *to++ = '-';
    to = put_hex(to, 0x7000 | last_high, 4);
    *to++ = '-';
    to = put_hex(to, 0x8000 | last_low >> 48, 4);
    *to++ = '-';
    *put_hex(to, last_low, 12) = '\0';
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
