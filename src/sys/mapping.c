#include "sys/mapping.h"

#include "base/alloc.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

/* Never freed, and in the list for good: the handler of a signal may be reading it. A closed one
 * (at NULL) is taken anew. */
struct sc_mapping {
    struct sc_mapping *next;
    atomic_size_t len;
    _Atomic(char *) at;
    atomic_bool taken;
    atomic_bool lost;
};

static _Atomic(struct sc_mapping *) mappings;
static atomic_size_t page;

static struct sc_mapping *find(const char *address)
{
    for (struct sc_mapping *m = mappings; m != NULL; m = m->next) {
        const char *at = m->at;
        if (at != NULL && address >= at && address < at + m->len)
            return m;
    }
    return NULL;
}

/* Zeros take the place of the page that was lost, and the read is done again. mmap is one call of
 * the kernel, which holds nothing of this process that the interrupted code could hold. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const int before = errno;
    char *address = info->si_addr;
    (void)context;
    struct sc_mapping *m = info->si_code == BUS_ADRERR ? find(address) : NULL;
    if (m != NULL) {
        m->lost = true;
        size_t size = page;
        char *from = address - ((uintptr_t)address & (size - 1));
        if (mmap(from, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == from) {
            errno = before;
            return;
        }
    }
    /* It is blocked in here, and comes as soon as this returns. */
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Each time: others who take it (a test's harness) give it back as it was before. */
static void take_signal(void)
{
    const struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
    page = (size_t)sysconf(_SC_PAGESIZE);
    sc_assert(sigaction(SIGBUS, &action, NULL) == 0);
}

static struct sc_mapping *take_place(void)
{
    for (struct sc_mapping *m = mappings; m != NULL; m = m->next) {
        if (!atomic_exchange(&m->taken, true))
            return m;
    }
    struct sc_mapping *made = sc_alloc(sizeof(*made));
    made->taken = true;
    made->next = mappings;
    while (!atomic_compare_exchange_weak(&mappings, &made->next, made))
        continue;
    return made;
}

enum sc_code sc_mapping_open(int fd, size_t len, struct sc_mapping **out, struct sc_error *err)
{
    take_signal();
    char *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return sc_error_errno(err, errno, "it cannot be mapped");
    struct sc_mapping *m = take_place();
    m->len = len;
    m->lost = false;
    m->at = at;
    *out = m;
    return SC_OK;
}

struct sc_str sc_mapping_bytes(const struct sc_mapping *m)
{
    return (struct sc_str){ m->at, m->len };
}

bool sc_mapping_lost(const struct sc_mapping *m)
{
    return m->lost;
}

void sc_mapping_close(struct sc_mapping *m)
{
    if (m == NULL)
        return;
    char *at = atomic_exchange(&m->at, NULL);
    (void)munmap(at, m->len);
    m->taken = false;
}
