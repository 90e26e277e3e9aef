/* export-load FORMAT HOURS [HOURS]: seconds of processor that writing a transcript of so many hours
 * takes, and bytes of memory that the writer holds at most while it does. Prints for each length
 * one line: hours, segments, seconds, bytes written, most bytes held. */

#include "transcript/writer.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A segment of twelve words takes four seconds, as people speak. */
#define SEGMENT_MS 4000
#define WORDS 12

struct sink {
    size_t written, before, most;
};

static enum sc_code count(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sink *sink = ctx;
    (void)bytes;
    (void)err;
    sink->written += len;
    struct mallinfo2 held = mallinfo2();
    size_t now = held.uordblks + held.hblkhd;
    sink->most = SC_MAX(sink->most, now - SC_MIN(now, sink->before));
    return SC_OK;
}

static void speak(struct sc_segments *list, int hours)
{
    static const char *const said[] = { "well",   "the",      "committee", "has",
                                        "heard",  "of",       "figures,",  "that",
                                        "nobody", "expected", "last",      "year." };
    for (int64_t at = 0; at < (int64_t)hours * 3600000; at += SEGMENT_MS) {
        struct sc_segment *s = sc_segments_add(list);
        for (int i = 0; s != NULL && i < WORDS; i++) {
            int64_t start = at + i * SEGMENT_MS / WORDS;
            if (!sc_segment_add_word(s, sc_str_from(said[i]), start, start + SEGMENT_MS / WORDS,
                                     0.9F))
                abort();
        }
        if (s == NULL || !sc_segment_settle(s))
            abort();
    }
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int measure(const struct sc_format *format, int hours)
{
    static const struct sc_writer_meta meta = { .job_id = "j", .status = "complete", .version = 1 };
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_writer_options options;
    struct sc_error err = { 0 };
    speak(&list, hours);
    sc_writer_options_init(&options, format);
    struct mallinfo2 held = mallinfo2();
    struct sink sink = { .before = held.uordblks + held.hblkhd };
    double begun = cpu_s();
    struct sc_list_source from = sc_list_source_of(&list);
    if (format->write(&from.source, &meta, &options, count, &sink, &err) != SC_OK) {
        fprintf(stderr, "export-load: %s\n", err.msg);
        return EXIT_FAILURE;
    }
    printf("%d %zu %.6f %zu %zu\n", hours, list.count, cpu_s() - begun, sink.written, sink.most);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const struct sc_format *format = argc < 3 ? NULL : sc_format_find(argv[1]);
    int code = EXIT_SUCCESS;
    if (format == NULL) {
        fprintf(stderr, "usage: export-load FORMAT HOURS [HOURS…]\n");
        return EXIT_FAILURE;
    }
    for (int i = 2; code == EXIT_SUCCESS && i < argc; i++)
        code = measure(format, atoi(argv[i]));
    return code;
}
