/* How much of recordings is left out as music? Reads names of files of 16 kHz mono s16 samples from
 * standard input, one a line, and answers each with the seconds that an engine hears when music is
 * kept, and when it is dropped; behind them the start and the end of each piece that it hears then.
 */

#include "base/buf.h"
#include "base/macros.h"
#include "vad/vad.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define SLICE 4096

struct heard {
    int64_t samples;
    struct sc_buf pieces; /* as text */
};

static void heard_done(struct heard *heard)
{
    sc_buf_done(&heard->pieces);
}

static enum sc_code add_up(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct heard *heard = ctx;
    (void)err;
    heard->samples += cut->end_samples - cut->start_samples;
    sc_buf_printf(&heard->pieces, " %.2f %.2f", (double)cut->start_samples / SC_PCM_RATE,
                  (double)cut->end_samples / SC_PCM_RATE);
    return SC_OK;
}

static bool measure(const char *path, bool leave_out_music, struct heard *heard)
{
    const struct sc_cut_options options = {
        .vad = true,
        .leave_out_music = leave_out_music,
        .max_chunk_s = 30,
        .overlap_ms = 0,
        .threshold_db = 6,
        .hangover_ms = 300,
        .min_silence_ms = 300,
    };
    SC_AUTO_FCLOSE FILE *file = fopen(path, "rbe");
    SC_AUTO(sc_cutter_freep) struct sc_cutter *cutter = sc_cutter_new(&options, add_up, heard);
    int16_t pcm[SLICE];
    size_t count;
    if (file == NULL || cutter == NULL)
        return false;
    while ((count = fread(pcm, sizeof(pcm[0]), SLICE, file)) > 0) {
        if (sc_cutter_feed(cutter, pcm, count, NULL) != SC_OK)
            return false;
    }
    return sc_cutter_finish(cutter, NULL) == SC_OK && ferror(file) == 0;
}

int main(void)
{
    char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        SC_AUTO(heard_done) struct heard kept = { 0 }, dropped = { 0 };
        path[strcspn(path, "\n")] = 0;
        if (!measure(path, false, &kept) || !measure(path, true, &dropped)) {
            (void)fprintf(stderr, "left-out: cannot read %s\n", path);
            return 1;
        }
        printf("%.2f %.2f%s\n", (double)kept.samples / SC_PCM_RATE,
               (double)dropped.samples / SC_PCM_RATE, sc_buf_text(&dropped.pieces));
    }
    return 0;
}
