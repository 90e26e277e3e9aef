#include "whisper/room.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/alloc.h"

#include "base/banned.h"

#define CACHE_LINE 64
#define HUGE_PAGE ((size_t)2 << 20)

/* Weights are read from end to end for each token: with pages of 2 MiB that takes two thirds of the
 * time. A system that has none of them to give goes on with small ones. */
static void wish_for_huge_pages(char *memory, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t before = (page - (uintptr_t)memory % page) % page;

    if (bytes >= 2 * HUGE_PAGE)
        (void)madvise(memory + before, (bytes - before) / page * page, MADV_HUGEPAGE);
}

bool sc_room_grow(struct sc_room *room, size_t floats)
{
    const size_t bytes = floats * sizeof(*room->at) + CACHE_LINE;

    if (floats <= room->floats)
        return true;
    sc_room_done(room);
    char *memory = sc_try_alloc(bytes);
    if (memory == NULL)
        return false;
    wish_for_huge_pages(memory, bytes);
    room->memory = memory;
    room->at =
        (float *)(void *)(memory + (CACHE_LINE - (uintptr_t)memory % CACHE_LINE) % CACHE_LINE);
    room->floats = floats;
    return true;
}

void sc_room_done(struct sc_room *room)
{
    free(room->memory);
    *room = (struct sc_room){ 0 };
}
