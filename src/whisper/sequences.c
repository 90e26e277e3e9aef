/* A cell holds the keys and values of one token, in all layers. Sequences are lists of cells; those
 * that were copied from one another share cells and count them, and nothing is written to a cell
 * again: so copying a beam moves some hundred numbers, not megabytes. */
#include "whisper/sequences.h"

#include "base/alloc.h"
#include "whisper/net-internal.h"

#include "base/banned.h"

#define SLAB 64 /* cells that are allocated together */

struct sequence {
    size_t window, length;
    uint32_t *cells; /* n_text_ctx of them */
};

struct sc_sequences {
    const struct sc_net *net;
    size_t capacity;
    struct sequence *list;
    size_t cell_floats;
    float **slabs;
    size_t slab_count, slab_capacity;
    uint32_t *users;  /* of each cell */
    uint32_t *unused; /* cells of the slabs that nobody uses, those used last on top */
    size_t unused_count;
    struct sc_room room;
};

enum sc_code sc_sequences_open(const struct sc_net *net, size_t capacity, struct sc_sequences **out,
                               struct sc_error *err)
{
    SC_AUTO(sc_sequences_closep) struct sc_sequences *s = sc_alloc(sizeof(*s));
    const size_t most = (size_t)net->dims.n_text_ctx;
    const size_t slabs = (capacity * most + SLAB - 1) / SLAB;

    s->net = net;
    s->capacity = capacity;
    s->cell_floats = (size_t)net->dims.n_text_layer * 2 * sc_net_state(net);
    s->slab_capacity = slabs;
    s->list = sc_alloc_array(capacity, sizeof(*s->list));
    s->slabs = sc_try_alloc(slabs * sizeof(*s->slabs));
    s->users = sc_try_alloc(slabs * SLAB * sizeof(*s->users));
    s->unused = sc_try_alloc(slabs * SLAB * sizeof(*s->unused));
    bool enough = s->slabs != NULL && s->users != NULL && s->unused != NULL;
    for (size_t i = 0; enough && i < capacity; i++) {
        s->list[i].cells = sc_try_alloc(most * sizeof(*s->list[i].cells));
        enough = s->list[i].cells != NULL;
    }
    if (!enough)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    *out = SC_TAKE(s);
    return SC_OK;
}

void sc_sequences_close(struct sc_sequences *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->capacity; i++)
        free(s->list[i].cells);
    for (size_t i = 0; i < s->slab_count; i++)
        free(s->slabs[i]);
    free(s->list);
    free(s->slabs);
    free(s->users);
    free(s->unused);
    sc_room_done(&s->room);
    free(s);
}

static struct sequence *find(const struct sc_sequences *s, size_t seq)
{
    sc_assert(seq < s->capacity);
    return &s->list[seq];
}

void sc_sequences_cut(struct sc_sequences *s, size_t seq, size_t length)
{
    struct sequence *q = find(s, seq);

    while (q->length > length) {
        const uint32_t cell = q->cells[--q->length];
        if (--s->users[cell] == 0)
            s->unused[s->unused_count++] = cell;
    }
}

void sc_sequences_start(struct sc_sequences *s, size_t seq, size_t window)
{
    sc_sequences_cut(s, seq, 0);
    find(s, seq)->window = window;
}

void sc_sequences_copy(struct sc_sequences *s, size_t to, size_t from)
{
    struct sequence *target = find(s, to);
    const struct sequence *source = find(s, from);

    if (target == source)
        return;
    for (size_t i = 0; i < source->length; i++)
        s->users[source->cells[i]]++;
    sc_sequences_cut(s, to, 0);
    memcpy(target->cells, source->cells, source->length * sizeof(*source->cells));
    target->length = source->length;
    target->window = source->window;
}

size_t sc_sequences_length(const struct sc_sequences *s, size_t seq)
{
    return find(s, seq)->length;
}

size_t sc_sequences_window(const struct sc_sequences *s, size_t seq)
{
    return find(s, seq)->window;
}

static bool add_slab(struct sc_sequences *s)
{
    sc_assert(s->slab_count < s->slab_capacity);
    float *slab = sc_try_alloc_aligned(64, SLAB * s->cell_floats * sizeof(*slab));
    if (slab == NULL)
        return false;
    for (uint32_t i = SLAB; i-- > 0;)
        s->unused[s->unused_count++] = (uint32_t)s->slab_count * SLAB + i;
    s->slabs[s->slab_count++] = slab;
    return true;
}

bool sc_sequences_extend(struct sc_sequences *s, size_t seq, size_t count)
{
    struct sequence *q = find(s, seq);
    const size_t before = q->length;

    sc_assert(count <= (size_t)s->net->dims.n_text_ctx - before);
    for (size_t i = 0; i < count; i++) {
        if (s->unused_count == 0 && !add_slab(s)) {
            sc_sequences_cut(s, seq, before);
            return false;
        }
        const uint32_t cell = s->unused[--s->unused_count];
        s->users[cell] = 1;
        q->cells[q->length++] = cell;
    }
    return true;
}

float *sc_sequences_token(const struct sc_sequences *s, size_t seq, size_t position, size_t layer)
{
    const uint32_t cell = s->list[seq].cells[position];
    return s->slabs[cell / SLAB] + cell % SLAB * s->cell_floats + layer * 2 * sc_net_state(s->net);
}

float *sc_sequences_room(struct sc_sequences *s, size_t floats)
{
    return sc_room_grow(&s->room, floats) ? s->room.at : NULL;
}
