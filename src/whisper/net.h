#pragma once
/* The network of Whisper: encodes windows of sound and decodes tokens from them, for as many
 * windows and sequences at once as the caller likes. A net is immutable: any number of threads may
 * use it, each with windows, sequences and a pool of its own.
 *
 * The answers for a window or a sequence do not depend on what else is computed in the same call,
 * nor on the number of threads, to the last bit. */

#include "whisper/file.h"
#include "whisper/matmul.h"
#include "whisper/pool.h"

struct sc_net;

struct sc_net_options {
    enum sc_precision precision;
    const struct sc_kernels *kernels; /* NULL: the best of this CPU */
    struct sc_pool *pool;             /* to lay out the weights; NULL: this thread alone */
    const struct sc_stop *stop;       /* NULL: nobody */
};

/* Lays out the weights; the file may be closed afterwards. INTERNAL: memory is exhausted;
 * CANCELLED when stop said so. */
SC_MUST_USE enum sc_code sc_net_open(const struct sc_whisper_file *file,
                                     const struct sc_net_options *options, struct sc_net **out,
                                     struct sc_error *err);
void sc_net_close(struct sc_net *net);
SC_DEFINE_FREEP(struct sc_net, sc_net_close);
const struct sc_whisper_dims *sc_net_dims(const struct sc_net *net);
const struct sc_kernels *sc_net_kernels(const struct sc_net *net);
