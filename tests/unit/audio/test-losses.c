/* What cannot be decoded becomes silence of its length, and is reported; the rest stays where it
 * was. */
#include "heard.h"

#include "base/banned.h"

#define LONG       \
    "-f lavfi -i " \
    "\"aevalsrc='if(between(t,8,9),0.5*sin(2000*PI*t),0.1*sin(700*PI*t))':d=10:s=16000\" "

static enum sc_code probe(const struct test_dir *dir, const char *name, struct heard *h)
{
    return decode_file(dir, name, &(struct sc_audio_options){ .probe = true }, h);
}

static void assert_lost(const struct heard *h, size_t i, int64_t from_ms, int64_t to_ms, int off)
{
    assert_true(i < h->stats.lost_count);
    assert_near(h->stats.lost[i].start_ms, from_ms, off, "lost from");
    assert_near(h->stats.lost[i].end_ms, to_ms, off, "lost to");
}

/* Milliseconds at which it begins to be loud: the second of full tone. */
static int64_t loud_from(const struct heard *h)
{
    const size_t step = RATE / 200;
    for (size_t at = 0; at + step <= h->samples; at += step) {
        double sum = 0;
        for (size_t i = at; i < at + step; i++)
            sum += (double)h->pcm[i] * h->pcm[i];
        if (sqrt(sum / (double)step) > 6000)
            return (int64_t)at * 1000 / RATE;
    }
    return -1;
}

static void damaged_packets_are_spans_in_the_recordings_time(void **state)
{
    (void)state;
    static const char *const files[] = { "h.mkv", "h.ts", "h.mp4" };
    static const char *const codecs[] = { "flac", "aac", "alac" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *line = NULL;
        assert_true(asprintf(&line,
                             LONG "-c:a %s whole.mkv && ffmpeg -v error -y -i whole.mkv -c copy "
                                  "-bsf:a \"noise=amount='if(between(pts*tb,2,3)+between(pts*tb,"
                                  "6,6.5),1,0)'\" hurt.mkv && ffmpeg -v error -y -i hurt.mkv "
                                  "-c copy %s",
                             codecs[i], files[i]) > 0);
        ffmpeg(&dir, line);
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 10000, 130, files[i]);
        assert_near(loud_from(&h), 8000, 70, files[i]);
        if (h.stats.packet_errors == 0 || h.stats.lost_count == 0 || h.stats.lost_count > 8)
            fail_msg("%s: %d errors, %zu spans", files[i], (int)h.stats.packet_errors,
                     h.stats.lost_count);
        assert_false(h.stats.truncated);
        for (size_t k = 0; k < h.stats.lost_count; k++)
            assert_true(h.stats.lost[k].start_ms >= 1900 && h.stats.lost[k].end_ms <= 6800);
    }
}

/* Few wrong bytes leave a frame decodable, to noise: its checksum tells. */
static void what_fails_its_checksum_is_a_loss(void **state)
{
    (void)state;
    static const char *const files[] = { "h.flac", "h.wv", "h.tta", "h.ac3", "h.eac3" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *make = NULL;
        SC_AUTO_FREE char *hurt = NULL;
        assert_true(asprintf(&make, LONG "-ar 48000 %s", files[i]) > 0);
        ffmpeg(&dir, make);
        assert_true(asprintf(&hurt,
                             "printf XX | dd of=%s bs=1 conv=notrunc status=none "
                             "seek=$(( $(stat -c %%s %s) / 3 ))",
                             files[i], files[i]) > 0);
        shell(&dir, hurt);
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 10000, 130, files[i]);
        assert_near(loud_from(&h), 8000, 70, files[i]);
        assert_true(h.stats.packet_errors >= 1);
        assert_in_range(h.stats.decoded_ms, 8000, 9990);
    }
}

static void a_file_whose_first_minute_is_broken_is_not_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    SC_AUTO(heard_done) struct heard probed = { 0 };
    ffmpeg(&dir, "-f lavfi -i sine=d=80:r=16000 -c:a flac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a \"noise=amount='if(lt(pts*tb,60),1,0)'\" late.mkv");
    assert_int_equal(probe(&dir, "late.mkv", &probed), SC_OK);
    assert_true(probed.stats.samples > 0 && probed.stats.decoded_ms > 0);
    assert_int_equal(decode(&dir, "late.mkv", &h), SC_OK);
    assert_near((int64_t)h.samples / 16, 80000, 300, "length");
    assert_near(h.stats.decoded_ms, 20000, 500, "decoded");
    assert_lost(&h, 0, 0, 60000, 500);
    assert_int_equal(h.stats.lost_count, 1);
}

static void a_file_of_which_nothing_decodes_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    SC_AUTO(heard_done) struct heard probed = { 0 };
    ffmpeg(&dir, "-f lavfi -i sine=d=30:r=16000 -c:a flac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a noise=amount=1 never.mkv");
    assert_int_equal(probe(&dir, "never.mkv", &probed), SC_E_FILE_FORMAT);
    assert_int_equal(decode(&dir, "never.mkv", &h), SC_E_FILE_FORMAT);
    assert_non_null(strstr(h.err.msg, "damaged or encrypted"));
}

static void more_spans_than_can_be_told_are_told_as_one(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, "-f lavfi -i sine=d=200:r=16000 -c:a flac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a \"noise=amount='if(lt(mod(pts*tb,4),0.5),1,0)'\" "
                 "holes.mkv");
    assert_int_equal(decode(&dir, "holes.mkv", &h), SC_OK);
    assert_int_equal(h.stats.lost_count, SC_AUDIO_LOST);
    assert_near(h.stats.lost[SC_AUDIO_LOST - 1].end_ms, 197000, 1000, "the last");
    for (size_t i = 1; i < h.stats.lost_count; i++)
        assert_true(h.stats.lost[i].start_ms > h.stats.lost[i - 1].end_ms);
}

/* Pages that fail their checksum are dropped by the demuxer: only the clock tells. */
static void a_hole_in_ogg_is_a_loss(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, LONG "-c:a libopus -page_duration 100000 hole.opus");
    shell(&dir, "printf XXXXXXXX | dd of=hole.opus bs=1 conv=notrunc status=none "
                "seek=$(( $(stat -c %s hole.opus) / 2 ))");
    assert_int_equal(decode(&dir, "hole.opus", &h), SC_OK);
    assert_int_equal(h.stats.lost_count, 1);
    assert_near(loud_from(&h), 8000, 20, "tone");
    assert_near((int64_t)h.samples / 16, 10000, 20, "length");
    assert_near(h.stats.lost[0].end_ms - h.stats.lost[0].start_ms, 100, 60, "a page");
}

/* Its reader looks for the next cluster and tells nobody: time and bytes are missing together. */
static void a_broken_cluster_of_matroska_is_a_loss(void **state)
{
    (void)state;
    static const char *const files[] = { "hole.webm", "hole.mkv" };
    static const char *const codecs[] = { "libopus", "flac" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *make = NULL;
        SC_AUTO_FREE char *hurt = NULL;
        assert_true(
            asprintf(&make, LONG "-c:a %s -cluster_time_limit 1000 %s", codecs[i], files[i]) > 0);
        assert_true(asprintf(&hurt,
                             "head -c 1000 /dev/zero | tr '\\0' X | dd of=%s bs=1 conv=notrunc "
                             "status=none seek=$(( $(stat -c %%s %s) * 45 / 100 ))",
                             files[i], files[i]) > 0);
        ffmpeg(&dir, make);
        shell(&dir, hurt);
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 10000, 20, files[i]);
        assert_near(loud_from(&h), 8000, 20, files[i]);
        assert_int_equal(h.stats.lost_count, 1);
        assert_in_range(h.stats.lost[0].start_ms, 3500, 5000);
        assert_in_range(h.stats.lost[0].end_ms, h.stats.lost[0].start_ms + 100, 6000);
    }
}

static void a_pause_in_matroska_is_no_loss(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, LONG "-c:a flac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a \"noise=drop='between(pts*tb,2,5)'\" pause.mkv");
    assert_int_equal(decode(&dir, "pause.mkv", &h), SC_OK);
    assert_int_equal(h.stats.lost_count, 0);
    assert_int_equal(h.stats.packet_errors, 0);
    assert_near(loud_from(&h), 8000, 20, "tone");
}

static void what_is_cut_off_says_so_and_what_is_whole_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *file, *options;
    } cases[] = {
        { "t.wav", "" },
        { "t.w64", "" },
        { "t.aiff", "" },
        { "t.caf", "" },
        { "t.au", "" },
        { "t.flac", "" },
        { "t.mp3", "" },
        { "t.ogg", "-c:a libvorbis" },
        { "t.opus", "-c:a libopus" },
        { "t.mkv", "-c:a aac" },
        { "t.webm", "-c:a libopus" },
        { "t.m4a", "-c:a aac -movflags +faststart" },
        { "f.m4a", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000" },
        { "t.wma", "" },
        { "t.avi", "" },
        { "v.mkv", "-f lavfi -i testsrc=d=10:s=64x48:r=5 -c:v mpeg4" },
        { "v.mp4", "-f lavfi -i testsrc=d=10:s=64x48:r=5 -c:v mpeg4 -movflags +faststart" },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard whole = { 0 };
        SC_AUTO(heard_done) struct heard cut = { 0 };
        SC_AUTO_FREE char *make = NULL;
        SC_AUTO_FREE char *shorten = NULL;
        assert_true(asprintf(&make, LONG "%s %s", cases[i].options, cases[i].file) > 0);
        ffmpeg(&dir, make);
        assert_int_equal(decode(&dir, cases[i].file, &whole), SC_OK);
        if (whole.stats.truncated || whole.stats.lost_count != 0)
            fail_msg("%s is whole, but said to be cut", cases[i].file);
        assert_true(asprintf(&shorten, "truncate -s $(( $(stat -c %%s %s) * 7 / 10 )) %s",
                             cases[i].file, cases[i].file) > 0);
        shell(&dir, shorten);
        enum sc_code code = decode(&dir, cases[i].file, &cut);
        if (code != SC_OK)
            fail_msg("%s: %s", cases[i].file, cut.err.msg);
        assert_int_equal(cut.stats.lost_count, 0);
        if (!cut.stats.truncated)
            fail_msg("%s is cut off, and nothing is said", cases[i].file);
        assert_near((int64_t)cut.samples / 16, 7000, 1300, cases[i].file);
    }
}

/* Programs that write into a pipe cannot go back to fill in the length. */
/* One bit in about two dozen bytes. */
static void flip_bits(const struct test_dir *dir, const char *name, long from, long to)
{
    SC_AUTO_FREE char *path = NULL;
    unsigned random = 1;
    assert_true(asprintf(&path, "%s/%s", dir->path, name) > 0);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    for (long at = from; at < to; at += 1 + (long)(random >> 16) % 24) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        int byte = fgetc(file);
        random = random * 1664525 + 1013904223;
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_true(byte != EOF && fputc(byte ^ 1 << (random >> 29), file) != EOF);
    }
    assert_int_equal(fclose(file), 0);
}

/* MP3 gives no length to frames that its reader passes over, so the recording becomes shorter. */
static void damage_in_the_middle_is_no_cut(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard hurt = { 0 };
    SC_AUTO(heard_done) struct heard cut = { 0 };
    ffmpeg(&dir, "-f lavfi -i \"aevalsrc='0.4*sin(2000*PI*t)':d=20:s=44100\" -b:a 64k hurt.mp3");
    flip_bits(&dir, "hurt.mp3", 60000, 100000);
    shell(&dir, "head -c 120000 hurt.mp3 > cut.mp3");
    assert_int_equal(decode(&dir, "hurt.mp3", &hurt), SC_OK);
    assert_true(hurt.samples < (size_t)19000 * 16 && hurt.stats.packet_errors > 0);
    assert_false(hurt.stats.truncated);
    assert_int_equal(decode(&dir, "cut.mp3", &cut), SC_OK);
    assert_true(cut.stats.truncated);
}

static void headers_of_streams_are_not_taken_for_cut_files(void **state)
{
    (void)state;
    static const char *const files[] = {
        "ffmpeg -v error -y " LONG "-f wav - </dev/null | cat > s.wav",
        "ffmpeg -v error -y " LONG "-f mp3 - </dev/null | cat > s.mp3",
        "ffmpeg -v error -y " LONG "-f flac - </dev/null | cat > s.flac",
        "ffmpeg -v error -y " LONG "-c:a libopus -f webm - </dev/null | cat > s.webm",
        "ffmpeg -v error -y " LONG "-f au - </dev/null | cat > s.au",
        "ffmpeg -v error -y " LONG "-f wav s.tmp </dev/null && mv s.tmp s.wav && "
        "printf '\\000\\360\\377\\177' | dd of=s.wav bs=1 seek=74 conv=notrunc status=none",
    };
    static const char *const names[] = { "s.wav", "s.mp3", "s.flac", "s.webm", "s.au", "s.wav" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        shell(&dir, files[i]);
        assert_int_equal(decode(&dir, names[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 10000, 80, names[i]);
        if (h.stats.truncated)
            fail_msg("%s is said to be cut off", names[i]);
    }
}

/* FFmpeg does not go on behind a change of codec: that must at least be told. */
static void a_chain_that_goes_on_in_another_codec_ends_early(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, LONG "-c:a libopus a.opus");
    ffmpeg(&dir, LONG "-c:a libvorbis b.ogg");
    shell(&dir, "cat a.opus b.ogg > c.ogg");
    assert_int_equal(decode(&dir, "c.ogg", &h), SC_OK);
    assert_near((int64_t)h.samples / 16, 10000, 20, "length");
    assert_true(h.stats.truncated);
}

static int warm_up(void **state)
{
    (void)state;
    sc_audio_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(damaged_packets_are_spans_in_the_recordings_time),
        TEST(what_fails_its_checksum_is_a_loss),
        TEST(a_file_whose_first_minute_is_broken_is_not_refused),
        TEST(a_file_of_which_nothing_decodes_is_refused),
        TEST(more_spans_than_can_be_told_are_told_as_one),
        TEST(a_hole_in_ogg_is_a_loss),
        TEST(a_broken_cluster_of_matroska_is_a_loss),
        TEST(a_pause_in_matroska_is_no_loss),
        TEST(what_is_cut_off_says_so_and_what_is_whole_does_not),
        TEST(a_chain_that_goes_on_in_another_codec_ends_early),
        TEST(damage_in_the_middle_is_no_cut),
        TEST(headers_of_streams_are_not_taken_for_cut_files),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
