/* write-samples SEED COUNT FOLDER: random transcripts in every format, for parsers of other people
 * (tests/e2e/test_formats.py). Beside NNN.srt, .vtt, .csv, … stands NNN.truth: a line of start, end
 * and text for each segment. */

#include "transcript/text.h"
#include "transcript/writer.h"

#include "random.h"

#include "base/banned.h"

static void save(const char *folder, int number, const char *ending, const struct sc_buf *text)
{
    struct test_dir dir;
    char name[48];
    (void)snprintf(dir.path, sizeof(dir.path), "%s", folder);
    (void)snprintf(name, sizeof(name), "%03d%s", number, ending);
    test_write_bytes(&dir, name, sc_buf_text(text), text->len);
}

static void write_as(const char *folder, int number, const char *format, const char *ending,
                     const struct sc_segments *list, bool words)
{
    static const struct sc_writer_meta meta = {
        .transcript_id = 7,
        .job_id = "j",
        .status = "complete",
        .version = 1,
        .file_name = "a <b> & \"c\": [d] # e.wav",
        .engine = "null",
    };
    SC_AUTO_BUF text = { 0 };
    struct sc_writer_options options;
    sc_writer_options_init(&options, sc_format_find(format));
    options.words = words;
    options.speakers = number % 2 == 0;
    options.captions = number % 3 != 0;
    options.metadata = options.metadata || (strcmp(format, "vtt") == 0 && number % 5 == 0);
    assert_int_equal(sc_format_to_buf(sc_format_find(format), list, &meta, &options, &text, NULL),
                     SC_OK);
    save(folder, number, ending, &text);
}

static void write_truth(const char *folder, int number, const struct sc_segments *list)
{
    SC_AUTO_BUF truth = { 0 };
    for (size_t i = 0; i < list->count; i++) {
        const struct sc_segment *s = &list->items[i];
        sc_buf_printf(&truth, "%lld\t%lld\t", (long long)s->start_ms, (long long)s->end_ms);
        sc_text_append_line(&truth, sc_str_from(s->text));
        sc_buf_putc(&truth, '\n');
    }
    save(folder, number, ".truth", &truth);
}

int main(int argc, char **argv)
{
    int64_t seed, count;
    if (argc != 4 || !sc_str_to_int64(sc_str_from(argv[1]), &seed) ||
        !sc_str_to_int64(sc_str_from(argv[2]), &count)) {
        fprintf(stderr, "usage: write-samples SEED COUNT FOLDER\n");
        return EXIT_FAILURE;
    }
    struct dice d = { (uint64_t)seed };
    for (int i = 0; i < count; i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        random_transcript(&d, true, &list);
        write_truth(argv[3], i, &list);
        write_as(argv[3], i, "txt", ".txt", &list, false);
        write_as(argv[3], i, "srt", ".srt", &list, false);
        write_as(argv[3], i, "vtt", ".vtt", &list, false);
        write_as(argv[3], i, "vtt", "-words.vtt", &list, true);
        write_as(argv[3], i, "json", ".json", &list, true);
        write_as(argv[3], i, "csv", ".csv", &list, false);
        write_as(argv[3], i, "csv", "-words.csv", &list, true);
        write_as(argv[3], i, "tsv", ".tsv", &list, false);
        write_as(argv[3], i, "lrc", ".lrc", &list, false);
        write_as(argv[3], i, "lrc", "-words.lrc", &list, true);
        write_as(argv[3], i, "ass", ".ass", &list, false);
        write_as(argv[3], i, "ass", "-words.ass", &list, true);
        write_as(argv[3], i, "md", ".md", &list, false);
        write_as(argv[3], i, "docx", ".docx", &list, false);
    }
    return EXIT_SUCCESS;
}
