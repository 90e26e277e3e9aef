/* Two chunks that overlap: no word may be lost on either side of the overlap, and what is written
 * is valid. Bytes: pairs of (start in 1/16 s, letter), the high bit of the letter says which side.
 */

#include "fuzz.h"

#include "transcript/seam.h"
#include "transcript/writer.h"

#include <stdlib.h>

#include "base/banned.h"

#define OVERLAP_START 10000
#define OVERLAP_END 11000

static void add_word(struct sc_segments *side, uint8_t at, uint8_t letter, int64_t offset)
{
    char text[2] = { (char)('a' + letter % 26), '\0' };
    int64_t start = offset + at * 1000 / 16;

    if (side->count == 0 && sc_segments_add(side) == NULL)
        abort();
    struct sc_segment *s = &side->items[0];
    if (s->word_count > 0 && s->words[s->word_count - 1].start_ms > start)
        return;
    if (!sc_segment_add_word(s, sc_str_from(text), start, start + 100, 1))
        abort();
    sc_segment_settle(s);
}

static size_t words_outside(const struct sc_segments *side)
{
    size_t count = 0;

    for (size_t i = 0; i < side->count; i++) {
        for (size_t k = 0; k < side->items[i].word_count; k++) {
            const struct sc_word *w = &side->items[i].words[k];
            if (w->end_ms < OVERLAP_START - 300 || w->start_ms > OVERLAP_END + 300)
                count++;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    struct sc_seam_changes changes = { 0 };
    struct sc_error err = { 0 };

    for (size_t i = 0; i + 1 < size && i < 400; i += 2) {
        if (data[i + 1] & 0x80)
            add_word(&right, data[i], data[i + 1], OVERLAP_START);
        else
            add_word(&left, data[i] % 176, data[i + 1], 0);
    }
    size_t before = words_outside(&left) + words_outside(&right);
    if (sc_seam_settle(&left, &right, OVERLAP_START, OVERLAP_END, &changes, &err) != SC_OK)
        return 0;
    if (words_outside(&left) + words_outside(&right) != before)
        abort();
    if (sc_segments_check(&left, &err) != SC_OK || sc_segments_check(&right, &err) != SC_OK)
        abort();
    return 0;
}
