/* Mixing and choosing: each channel of the source has a tone of its own, and what of it arrives is
 * measured. */
#include "heard.h"

#include "base/banned.h"

#define FULL 8000 /* amplitude of each channel's tone */

/* Writes a WAV of 1 s at 16 kHz in which channel c has a tone of 400 + 200 c Hz; mask 0: the plain
 * header, which tells no layout. */
static void write_tones(const struct test_dir *dir, int channels, uint32_t mask)
{
    char path[PATH_MAX];
    FILE *f = fopen(test_path(dir, "x.wav", path), "wb");
    assert_non_null(f);
    const uint32_t bytes = (uint32_t)(RATE * channels * 2);
    const bool extensible = mask != 0;
    uint16_t fmt[20] = { extensible ? 0xfffe : 1,
                         (uint16_t)channels,
                         RATE,
                         0,
                         (uint16_t)(RATE * channels * 2 & 0xffff),
                         (uint16_t)(RATE * channels * 2 >> 16),
                         (uint16_t)(channels * 2),
                         16,
                         22,
                         16,
                         (uint16_t)mask,
                         (uint16_t)(mask >> 16),
                         1,
                         0,
                         0,
                         0x10,
                         0x80,
                         0xaa00,
                         0x3800,
                         0x719b };
    const uint32_t fmt_size = extensible ? 40 : 16;
    const uint32_t riff_size = 20 + fmt_size + bytes;
    assert_true(fwrite("RIFF", 4, 1, f) == 1 && fwrite(&riff_size, 4, 1, f) == 1 &&
                fwrite("WAVEfmt ", 8, 1, f) == 1 && fwrite(&fmt_size, 4, 1, f) == 1 &&
                fwrite(fmt, fmt_size, 1, f) == 1 && fwrite("data", 4, 1, f) == 1 &&
                fwrite(&bytes, 4, 1, f) == 1);
    for (int i = 0; i < RATE; i++) {
        for (int c = 0; c < channels; c++) {
            int16_t v = (int16_t)lrint(FULL * sin(2 * M_PI * (400 + 200 * c) * i / RATE));
            assert_int_equal(fwrite(&v, sizeof(v), 1, f), 1);
        }
    }
    assert_int_equal(fclose(f), 0);
}

/* How much of channel c's tone is there: 1 is all of it. */
static double share(const struct heard *h, int c)
{
    double re = 0;
    double im = 0;
    size_t n = SC_MIN(h->samples, (size_t)RATE);
    for (size_t i = 0; i < n; i++) {
        re += h->pcm[i] * cos(2 * M_PI * (400 + 200 * c) * (double)i / RATE);
        im += h->pcm[i] * sin(2 * M_PI * (400 + 200 * c) * (double)i / RATE);
    }
    return 2 * sqrt(re * re + im * im) / (double)n / FULL;
}

static void assert_share(const struct heard *h, int c, double want, const char *what)
{
    double got = share(h, c);
    if (fabs(got - want) > 0.01)
        fail_msg("%s: %.3f of channel %d, not %.3f", what, got, c + 1, want);
}

static void hear(const struct test_dir *dir, int channels, int ear, struct heard *h)
{
    heard_done(h);
    *h = (struct heard){ .ear = ear };
    enum sc_code code =
        decode_file(dir, "x.wav", &(struct sc_audio_options){ .channels = channels }, h);
    if (code != SC_OK)
        fail_msg("%s", h->err.msg);
    assert_int_equal(h->samples, RATE);
    assert_int_equal(h->stats.samples, RATE);
}

static void a_bare_count_of_channels_is_averaged(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (int channels = 1; channels <= 16; channels++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        write_tones(&dir, channels, 0);
        hear(&dir, SC_AUDIO_MIX, 0, &h);
        assert_int_equal(h.info.streams, 1);
        assert_int_equal(h.info.channels, channels);
        for (int c = 0; c < channels; c++)
            assert_share(&h, c, 1.0 / channels, "mix");
    }
}

/* Front left and right, centre, low frequencies, then surrounds: the centre is where speech is. */
static void surround_is_weighed_by_its_layout(void **state)
{
    (void)state;
    static const double six[] = { 0.2071, 0.2071, 0.2929, 0, 0.1464, 0.1464 };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    write_tones(&dir, 6, 0x3f);
    hear(&dir, SC_AUDIO_MIX, 0, &h);
    for (int c = 0; c < 6; c++)
        assert_share(&h, c, six[c], "5.1");
    write_tones(&dir, 8, 0x63f);
    hear(&dir, SC_AUDIO_MIX, 0, &h);
    double sum = 0;
    for (int c = 0; c < 8; c++)
        sum += share(&h, c);
    assert_true(fabs(sum - 1) < 0.01); /* loudest together, they just do not clip */
    assert_true(share(&h, 2) > share(&h, 0) && share(&h, 0) > share(&h, 4));
    /* A layout that is known by name, and not to the mixer. */
    write_tones(&dir, 4, 0x20108);
    hear(&dir, SC_AUDIO_MIX, 0, &h);
}

static void one_channel_comes_alone_and_whole(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    for (int channels = 2; channels <= 12; channels += 5) {
        write_tones(&dir, channels, 0);
        for (int chosen = 1; chosen <= channels; chosen++) {
            hear(&dir, chosen, 0, &h);
            assert_int_equal(h.info.streams, 1);
            for (int c = 0; c < channels; c++)
                assert_share(&h, c, c + 1 == chosen ? 1 : 0, "one");
        }
    }
}

static void a_channel_that_is_not_there_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    write_tones(&dir, 2, 0);
    assert_int_equal(decode_file(&dir, "x.wav", &(struct sc_audio_options){ .channels = 3 }, &h),
                     SC_E_INVALID_VALUE);
    assert_non_null(strstr(h.err.msg, "2 channels"));
    assert_int_equal(h.infos, 0);
}

static void a_split_gives_each_channel_its_stream(void **state)
{
    (void)state;
    static const uint32_t masks[] = { 0, 0, 0, 0, 0, 0, 0x3f, 0, 0x63f };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    for (int channels = 1; channels <= 8; channels++) {
        write_tones(&dir, channels, masks[channels]);
        for (int ear = 0; ear < channels; ear++) {
            hear(&dir, SC_AUDIO_SPLIT, ear, &h);
            assert_int_equal(h.info.streams, channels);
            for (int c = 0; c < channels; c++)
                assert_share(&h, c, c == ear ? 1 : 0, "split");
        }
    }
}

static void the_last_stream_takes_what_is_beyond_eight(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    write_tones(&dir, 10, 0);
    hear(&dir, SC_AUDIO_SPLIT, 6, &h);
    assert_int_equal(h.info.streams, 8);
    for (int c = 0; c < 10; c++)
        assert_share(&h, c, c == 6 ? 1 : 0, "seventh");
    hear(&dir, SC_AUDIO_SPLIT, 7, &h);
    for (int c = 0; c < 10; c++)
        assert_share(&h, c, c >= 7 ? 1.0 / 3 : 0, "last");
}

static double loudness(const struct heard *h)
{
    double sum = 0;
    for (size_t i = 0; i < h->samples; i++)
        sum += (double)h->pcm[i] * h->pcm[i];
    return h->samples == 0 ? 0 : sqrt(sum / (double)h->samples);
}

/* A stereo microphone with one lead the wrong way round: mixed, it is silence. */
static void opposite_channels_cancel_and_a_choice_saves_them(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const struct {
        int channels, ear;
        bool heard;
    } cases[] = {
        { SC_AUDIO_MIX, 0, false },  { 1, 0, true }, { 2, 0, true }, { SC_AUDIO_SPLIT, 0, true },
        { SC_AUDIO_SPLIT, 1, true },
    };
    ffmpeg(&dir, "-f lavfi -i \"aevalsrc='0.4*sin(2000*PI*t)|-0.4*sin(2000*PI*t)':d=1:s=16000\" "
                 "x.wav");
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        hear(&dir, cases[i].channels, cases[i].ear, &h);
        if (cases[i].heard != (loudness(&h) > 5000) || (!cases[i].heard && loudness(&h) > 2))
            fail_msg("case %zu: loudness %.0f", i, loudness(&h));
        assert_int_equal(h.stats.cancels, !cases[i].heard);
    }
}

static void that_channels_cancel_is_seen_in_every_format_and_nowhere_else(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const struct {
        const char *pan; /* of one channel of sound */
        const char *options;
        const char *file;
        bool cancels;
    } cases[] = {
        { "stereo|c0=c0|c1=-1*c0", "-c:a pcm_s24le", "a.wav", true },
        { "stereo|c0=c0|c1=-1*c0", "-c:a pcm_f32le", "b.wav", true },
        { "stereo|c0=c0|c1=-1*c0", "-sample_fmt s16", "c.flac", true },
        { "stereo|c0=c0|c1=-1*c0", "-b:a 128k", "d.m4a", true },
        { "stereo|c0=c0|c1=-1*c0", "-b:a 128k", "e.mp3", true },
        { "stereo|c0=c0|c1=-1*c0", "-b:a 128k", "f.opus", true },
        { "stereo|c0=0.01*c0|c1=-0.01*c0", "", "g.wav", true },
        { "stereo|c0=0.0001*c0|c1=-0.0001*c0", "-c:a pcm_f32le", "h.wav", false },
        { "stereo|c0=c0|c1=-0.7*c0", "", "i.wav", false },
        { "stereo|c0=c0|c1=0*c0", "", "j.wav", false },
        { "stereo|c0=c0|c1=c0", "", "k.wav", false },
        { "quad|c0=c0|c1=-1*c0|c2=c0|c3=-1*c0", "", "l.wav", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *make = NULL;
        assert_true(asprintf(&make,
                             "-f lavfi -i \"aevalsrc='0.3*sin(900*t*(1+t))':d=2:s=48000\" "
                             "-af \"pan=%s\" %s %s",
                             cases[i].pan, cases[i].options, cases[i].file) > 0);
        ffmpeg(&dir, make);
        assert_int_equal(decode(&dir, cases[i].file, &h), SC_OK);
        if (h.stats.cancels != cases[i].cancels)
            fail_msg("%s in %s", cases[i].pan, cases[i].file);
    }
}

static void loud_channels_do_not_clip_when_they_are_mixed(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, "-f lavfi -i \"aevalsrc='0.99*sin(800*PI*t)|0.99*sin(800*PI*t)':d=1:s=16000\" "
                 "-c:a pcm_s16le x.wav");
    hear(&dir, SC_AUDIO_MIX, 0, &h);
    int flat = 0;
    int peak = 0;
    for (size_t i = 1; i < h.samples; i++) {
        peak = SC_MAX(peak, abs(h.pcm[i]));
        flat += abs(h.pcm[i]) > 30000 && h.pcm[i] == h.pcm[i - 1];
    }
    assert_in_range(peak, 32400, 32500);
    assert_in_range(flat, 0, 410); /* the two samples around a crest may be equal, no more */
}

/* The number of streams was told once; a later part with other channels must fit into them. */
static void streams_stay_when_the_layout_changes(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, "-f lavfi -i \"aevalsrc='0|0.5*sin(2000*PI*t)':d=2:s=16000\" -c:a flac s.ogg");
    ffmpeg(&dir, "-f lavfi -i \"aevalsrc='0.5*sin(2000*PI*t)':d=2:s=16000\" -c:a flac m.ogg");
    shell(&dir, "cat s.ogg m.ogg > sm.ogg; cat m.ogg s.ogg > ms.ogg");
    static const struct {
        const char *file;
        int channels, ear;
        int from_ms, to_ms;
    } cases[] = {
        { "sm.ogg", SC_AUDIO_SPLIT, 0, 2000, 4000 },
        { "sm.ogg", SC_AUDIO_SPLIT, 1, 0, 2000 },
        { "sm.ogg", 2, 0, 0, 4000 },
        { "sm.ogg", SC_AUDIO_MIX, 0, 0, 4000 },
        { "ms.ogg", SC_AUDIO_SPLIT, 0, 0, 4000 },
        { "ms.ogg", 1, 0, 0, 2000 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { .ear = cases[i].ear };
        struct sc_audio_options options = { .channels = cases[i].channels };
        assert_int_equal(decode_file(&dir, cases[i].file, &options, &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 4000, 5, cases[i].file);
        assert_near(tone_edge(&h, false), cases[i].from_ms, 10, cases[i].file);
        assert_near(tone_edge(&h, true), cases[i].to_ms, 10, cases[i].file);
    }
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
        TEST(a_bare_count_of_channels_is_averaged),
        TEST(surround_is_weighed_by_its_layout),
        TEST(one_channel_comes_alone_and_whole),
        TEST(a_channel_that_is_not_there_is_refused),
        TEST(a_split_gives_each_channel_its_stream),
        TEST(the_last_stream_takes_what_is_beyond_eight),
        TEST(opposite_channels_cancel_and_a_choice_saves_them),
        TEST(that_channels_cancel_is_seen_in_every_format_and_nowhere_else),
        TEST(loud_channels_do_not_clip_when_they_are_mixed),
        TEST(streams_stay_when_the_layout_changes),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
