/* Preloaded into a program, answers for one name: FAKE_HOST. Each time that it is asked for, it has
 * the next of FAKE_ADDRESSES (separated by commas), in the end the last: a name that is bound to
 * another address between two looks. */

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int asked;

static void next_address(char out[64])
{
    const char *at = getenv("FAKE_ADDRESSES");
    pthread_mutex_lock(&lock);
    for (int i = 0; at != NULL && i < asked && strchr(at, ',') != NULL; i++)
        at = strchr(at, ',') + 1;
    asked++;
    pthread_mutex_unlock(&lock);
    snprintf(out, 64, "%.*s", at == NULL ? 0 : (int)strcspn(at, ","), at == NULL ? "" : at);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    const char *name = getenv("FAKE_HOST");
    char address[64];
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node == NULL || name == NULL || strcmp(node, name) != 0)
        return real(node, service, hints, res);
    next_address(address);
    return real(address, service, hints, res);
}
