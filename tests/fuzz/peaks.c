/* Headers of stored peaks, and questions about what they describe. A header of 24 bytes, then four
 * numbers of eight bytes: zoom, points, start and end. */

#include "fuzz.h"

#include "vad/peaks.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int64_t number(const uint8_t *data, size_t size, size_t index)
{
    int64_t n = 0;
    if ((index + 1) * sizeof(n) <= size)
        memcpy(&n, data + index * sizeof(n), sizeof(n));
    return n;
}

static void check_window(const struct sc_peaks_layout *layout, const struct sc_peaks_window *w)
{
    if (w->zoom < 0 || w->zoom >= SC_PEAKS_ZOOMS || w->first < 0 || w->rows < 0 ||
        w->first + w->rows > layout->rows[w->zoom] || w->points < 0 || w->points > w->rows)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_peaks_layout layout;
    struct sc_peaks_window window;
    unsigned char again[SC_PEAKS_HEADER];
    if (size < SC_PEAKS_HEADER || !sc_peaks_header_read(data, &layout))
        return 0;
    sc_peaks_header_write(&layout, again);
    if (memcmp(again, data, sizeof(again)) != 0)
        abort();
    for (int z = 0; z < SC_PEAKS_ZOOMS; z++) {
        if (layout.rows[z] < 0 || layout.offset[z] < SC_PEAKS_HEADER ||
            layout.offset[z] > layout.size)
            abort();
    }
    data += SC_PEAKS_HEADER;
    size -= SC_PEAKS_HEADER;
    int64_t points = number(data, size, 1), start = number(data, size, 2);
    int64_t end = number(data, size, 3);
    sc_peaks_window_zoom(&layout, (int)((uint64_t)number(data, size, 0) % SC_PEAKS_ZOOMS), start,
                         end, &window);
    check_window(&layout, &window);
    points = (int64_t)((uint64_t)points % (INT64_MAX / 4)) + 1;
    sc_peaks_window_points(&layout, points, start, end, &window);
    check_window(&layout, &window);
    return 0;
}
