/* A click at time t of the source is found at t, give or take 5 ms: whatever the container, the
 * rate, a late start or a pause. The times are random; SEED=… repeats them. */
#include "heard.h"

#include <stdlib.h>

#include "base/banned.h"

#define CLICKS 12
#define LENGTH_S 20
#define OFF_MS 5

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Ascending, at least half a second apart. */
static void choose_times(int64_t ms[CLICKS])
{
    for (int i = 0; i < CLICKS; i++)
        ms[i] = 500 + i * 1600 + (int64_t)chance(1000);
}

/* Clicks of 4 ms in faint noise: encoders keep both. */
static void write_clicks(const struct test_dir *dir, const int64_t ms[CLICKS], int rate)
{
    char path[PATH_MAX];
    FILE *f = fopen(test_path(dir, "clicks.raw", path), "wb");
    assert_non_null(f);
    int next = 0;
    for (int64_t i = 0; i < (int64_t)LENGTH_S * rate; i++) {
        while (next < CLICKS && i >= (ms[next] + 4) * rate / 1000)
            next++;
        bool click = next < CLICKS && i >= ms[next] * rate / 1000;
        double wave = click ? 24000 * sin(2 * M_PI * 1000 * (double)i / rate) : 0;
        int16_t v = (int16_t)(wave + (double)chance(60) - 30);
        assert_int_equal(fwrite(&v, sizeof(v), 1, f), 1);
    }
    assert_int_equal(fclose(f), 0);
}

/* Where each click begins, in milliseconds; how many there are. */
static size_t find_clicks(const struct heard *h, double *ms, size_t most)
{
    size_t found = 0;
    for (size_t i = 0; i < h->samples && found < most; i++) {
        if (abs(h->pcm[i]) < 5000)
            continue;
        ms[found++] = (double)i * 1000 / RATE;
        i += RATE / 5;
    }
    return found;
}

static void assert_times(const struct test_dir *dir, const char *file, const int64_t ms[CLICKS],
                         int64_t late_ms, int first)
{
    SC_AUTO(heard_done) struct heard h = { 0 };
    double found[CLICKS + 1];
    if (decode(dir, file, &h) != SC_OK)
        fail_msg("%s: %s", file, h.err.msg);
    size_t count = find_clicks(&h, found, SC_ARRAY_LEN(found));
    if (count != (size_t)(CLICKS - first))
        fail_msg("%s: %zu clicks, not %d", file, count, CLICKS - first);
    for (size_t i = 0; i < count; i++) {
        double want = (double)(ms[i + (size_t)first] + late_ms);
        if (fabs(found[i] - want) > OFF_MS)
            fail_msg("%s: a click at %.1f ms is found at %.1f", file, want, found[i]);
    }
}

static void clicks_are_found_where_they_were(void **state)
{
    (void)state;
    static const int rates[] = { 16000, 44100, 48000 };
    static const struct {
        const char *file, *options;
    } cases[] = {
        { "c.wav", "" },
        { "c.flac", "" },
        { "c.mp3", "-b:a 128k" },
        { "c.m4a", "-c:a aac -b:a 128k" },
        { "alac.m4a", "-c:a alac" },
        { "c.ogg", "-c:a libvorbis -q 6" },
        { "c.opus", "-c:a libopus -b:a 128k" },
        { "c.webm", "-c:a libopus -b:a 128k" },
        { "c.mkv", "-c:a flac" },
        { "c.avi", "-c:a pcm_s16le" },
        { "c.caf", "-c:a alac" },
    };
    for (size_t r = 0; r < SC_ARRAY_LEN(rates); r++) {
        SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
        int64_t ms[CLICKS];
        choose_times(ms);
        write_clicks(&dir, ms, rates[r]);
        for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
            SC_AUTO_FREE char *line = NULL;
            assert_true(asprintf(&line, "-f s16le -ar %d -ac 1 -i clicks.raw %s %s", rates[r],
                                 cases[i].options, cases[i].file) > 0);
            ffmpeg(&dir, line);
            assert_times(&dir, cases[i].file, ms, 0, 0);
        }
    }
}

/* Late starts, pauses, and cuts at the beginning that the container tells of. */
static void clicks_stay_where_offsets_and_pauses_put_them(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    int64_t ms[CLICKS];
    choose_times(ms);
    write_clicks(&dir, ms, 48000);
    const int64_t late = 100 + chance(3000);
    SC_AUTO_FREE char *line = NULL;
    ffmpeg(&dir, "-f s16le -ar 48000 -ac 1 -i clicks.raw -c:a flac whole.mkv");
    ffmpeg(&dir, "-f s16le -ar 48000 -ac 1 -i clicks.raw -c:a aac -b:a 128k whole.m4a");
    assert_true(
        asprintf(&line,
                 "-itsoffset %d.%03d -i whole.mkv -f lavfi -i testsrc=d=1:s=64x48:r=5 -map 0 "
                 "-map 1 -c:a copy -c:v mpeg4 late.mkv && "
                 "ffmpeg -v error -y -itsoffset %d.%03d -i whole.m4a -f lavfi -i "
                 "testsrc=d=1:s=64x48:r=5 -map 0 -map 1 -c:a copy -c:v mpeg4 late.mp4 && "
                 "ffmpeg -v error -y -i whole.mkv -c copy -bsf:a \"noise=drop='between(pts*tb,0.1,"
                 "0.4)'\" pause.mkv && ffmpeg -v error -y -i late.mkv -c:a copy -c:v mpeg2video "
                 "-r 25 -f matroska -live 1 live.mkv",
                 (int)(late / 1000), (int)(late % 1000), (int)(late / 1000),
                 (int)(late % 1000)) > 0);
    ffmpeg(&dir, line);
    assert_times(&dir, "late.mkv", ms, late, 0);
    assert_times(&dir, "late.mp4", ms, late, 0);
    assert_times(&dir, "live.mkv", ms, late, 0);
    assert_times(&dir, "pause.mkv", ms, 0, 0);
}

static int set_up(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    seed = given == NULL ? (uint32_t)getpid() * 2654435761u : (uint32_t)strtoul(given, NULL, 10);
    print_message("SEED=%u\n", seed);
    sc_audio_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clicks_are_found_where_they_were),
        TEST(clicks_stay_where_offsets_and_pauses_put_them),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
