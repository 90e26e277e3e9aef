/* Every container and codec that is read, at every rate and number of channels: the length that
 * comes out, and a tone at its place. One run of ffmpeg makes all the files of a test. */
#include "heard.h"

#include "base/buf.h"

#include "base/banned.h"

/* Three seconds: silence, but for a tone from 1.0 s to 2.0 s. */
#define TONE "aevalsrc='if(between(t,1,2),0.5*sin(2000*PI*t),0)':d=3"

struct rung {
    const char *file, *options, *format, *codec;
    int longer_ms; /* padding of an encoder that the container does not tell of */
    int late_ms;   /* its delay, likewise */
};

static void make(const struct test_dir *dir, const char *source, const struct rung *rungs,
                 size_t count)
{
    SC_AUTO_BUF line = { 0 };
    sc_buf_puts(&line, source);
    for (size_t i = 0; i < count; i++) {
        sc_buf_puts(&line, " ");
        sc_buf_puts(&line, rungs[i].options);
        sc_buf_puts(&line, " ");
        sc_buf_puts(&line, rungs[i].file);
    }
    assert_false(line.failed);
    ffmpeg(dir, line.ptr);
}

static void climb(const struct test_dir *dir, const struct rung *r)
{
    SC_AUTO(heard_done) struct heard h = { 0 };
    if (decode(dir, r->file, &h) != SC_OK)
        fail_msg("%s: %s", r->file, h.err.msg);
    if (strcmp(h.info.format, r->format) != 0 || strcmp(h.info.codec, r->codec) != 0)
        fail_msg("%s is '%s' with '%s'", r->file, h.info.format, h.info.codec);
    assert_int_equal(h.infos, 1);
    assert_int_equal(h.stats.samples, h.samples);
    assert_int_equal(h.stats.packet_errors, 0);
    assert_int_equal(h.stats.first_error_ms, -1);
    assert_int_equal(h.stats.lost_count, 0);
    if (h.stats.truncated)
        fail_msg("%s is said to be cut off", r->file);
    assert_near((int64_t)h.samples, 3 * RATE + (int64_t)r->longer_ms * 8,
                1 + (int64_t)r->longer_ms * 8, r->file);
    assert_near(tone_edge(&h, false), 1000 + r->late_ms, 5, r->file);
    assert_near(tone_edge(&h, true), 2000 + r->late_ms, 12, r->file);
}

static void climb_all(const char *source, const struct rung *rungs, size_t count)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    make(&dir, source, rungs, count);
    for (size_t i = 0; i < count; i++)
        climb(&dir, &rungs[i]);
}

static void samples_as_they_are(void **state)
{
    (void)state;
    static const struct rung rungs[] = {
        { "u8.wav", "-c:a pcm_u8", "wav", "pcm_u8", 0, 0 },
        { "s16.wav", "-c:a pcm_s16le", "wav", "pcm_s16le", 0, 0 },
        { "s24.wav", "-c:a pcm_s24le", "wav", "pcm_s24le", 0, 0 },
        { "s32.wav", "-c:a pcm_s32le", "wav", "pcm_s32le", 0, 0 },
        { "f32.wav", "-c:a pcm_f32le", "wav", "pcm_f32le", 0, 0 },
        { "f64.wav", "-c:a pcm_f64le", "wav", "pcm_f64le", 0, 0 },
        { "alaw.wav", "-c:a pcm_alaw", "wav", "pcm_alaw", 0, 0 },
        { "mulaw.wav", "-c:a pcm_mulaw", "wav", "pcm_mulaw", 0, 0 },
        { "rf64.wav", "-c:a pcm_s16le -rf64 always", "wav", "pcm_s16le", 0, 0 },
        { "s16.w64", "-c:a pcm_s16le", "w64", "pcm_s16le", 0, 0 },
        { "f32.w64", "-c:a pcm_f32le", "w64", "pcm_f32le", 0, 0 },
        { "s8.aiff", "-c:a pcm_s8", "aiff", "pcm_s8", 0, 0 },
        { "s16.aiff", "-c:a pcm_s16be", "aiff", "pcm_s16be", 0, 0 },
        { "s24.aiff", "-c:a pcm_s24be", "aiff", "pcm_s24be", 0, 0 },
        { "f32.aiff", "-c:a pcm_f32be", "aiff", "pcm_f32be", 0, 0 },
        { "f64.aiff", "-c:a pcm_f64be", "aiff", "pcm_f64be", 0, 0 },
        { "sowt.aiff", "-c:a pcm_s16le", "aiff", "pcm_s16le", 0, 0 },
        { "s16.au", "-c:a pcm_s16be", "au", "pcm_s16be", 0, 0 },
        { "mulaw.au", "-c:a pcm_mulaw", "au", "pcm_mulaw", 0, 0 },
        { "s16.caf", "-c:a pcm_s16be", "caf", "pcm_s16be", 0, 0 },
        { "f64.caf", "-c:a pcm_f64be", "caf", "pcm_f64be", 0, 0 },
        { "s16.mov", "-c:a pcm_s16le", "mov", "pcm_s16le", 0, 0 },
        { "f32.mov", "-c:a pcm_f32le", "mov", "pcm_f32le", 0, 0 },
        { "s16.mkv", "-c:a pcm_s16le", "mkv", "pcm_s16le", 0, 0 },
        { "s16.avi", "-c:a pcm_s16le", "avi", "pcm_s16le", 0, 0 },
        { "s16.voc", "-c:a pcm_s16le", "voc", "pcm_s16le", 0, 0 },
    };
    climb_all("-f lavfi -i \"" TONE ":s=44100\" -ac 2", rungs, SC_ARRAY_LEN(rungs));
}

static void codecs_that_lose_nothing(void **state)
{
    (void)state;
    static const struct rung rungs[] = {
        { "a.flac", "", "flac", "flac", 0, 0 },
        { "s24.flac", "-sample_fmt s32", "flac", "flac", 0, 0 },
        { "flac.ogg", "-c:a flac", "ogg", "flac", 0, 0 },
        { "flac.mkv", "-c:a flac", "mkv", "flac", 0, 0 },
        { "flac.mp4", "-c:a flac -strict -2", "m4a", "flac", 0, 0 },
        { "alac.m4a", "-c:a alac", "m4a", "alac", 0, 0 },
        { "alac.mov", "-c:a alac", "mov", "alac", 0, 0 },
        { "alac.caf", "-c:a alac", "caf", "alac", 0, 0 },
        { "a.wv", "", "wv", "wavpack", 0, 0 },
        { "wavpack.mkv", "-c:a wavpack", "mkv", "wavpack", 0, 0 },
        { "a.tta", "", "tta", "tta", 0, 0 },
        { "truehd.mkv", "-c:a truehd -strict -2", "mkv", "truehd", 0, 0 },
    };
    climb_all("-f lavfi -i \"" TONE ":s=44100\" -ac 2", rungs, SC_ARRAY_LEN(rungs));
}

static void codecs_of_music_and_film(void **state)
{
    (void)state;
    static const struct rung rungs[] = {
        { "a.mp3", "-b:a 64k", "mp3", "mp3float", 0, 0 },
        { "vbr.mp3", "-q:a 4", "mp3", "mp3float", 0, 0 },
        { "tags.mp3", "-id3v2_version 4 -write_id3v1 1 -metadata title=x", "mp3", "mp3float", 0,
          0 },
        { "nox.mp3", "-q:a 4 -write_xing 0", "mp3", "mp3float", 52, 25 },
        { "low.mp3", "-ar 22050 -b:a 32k", "mp3", "mp3float", 0, 0 },
        { "lowest.mp3", "-ar 8000 -ac 1 -b:a 16k", "mp3", "mp3float", 0, 0 },
        { "a.mp2", "", "mp2", "mp2", 26, 11 },
        { "a.aac", "", "aac", "aac", 60, 23 },
        { "a.m4a", "-c:a aac", "m4a", "aac", 0, 0 },
        { "a.3gp", "-c:a aac", "3gp", "aac", 0, 0 },
        { "mp3.mp4", "-c:a libmp3lame", "m4a", "mp3float", 0, 0 },
        { "ac3.mp4", "-c:a ac3", "m4a", "ac3", 50, 0 },
        { "opus.mp4", "-c:a libopus", "m4a", "opus", 0, 0 },
        { "parts.mp4", "-c:a aac -movflags frag_keyframe+empty_moov", "m4a", "aac", 47, 23 },
        { "a.ogg", "-c:a libvorbis", "ogg", "vorbis", 0, 0 },
        { "a.opus", "-c:a libopus -b:a 24k", "ogg", "opus", 0, 0 },
        { "a.webm", "-c:a libopus", "webm", "opus", 0, 0 },
        { "vorbis.webm", "-c:a libvorbis", "webm", "vorbis", 30, 0 },
        { "aac.mkv", "-c:a aac", "mkv", "aac", 60, 23 },
        { "mp3.mkv", "-c:a libmp3lame", "mkv", "mp3float", 52, 25 },
        { "dts.mkv", "-c:a dca -strict -2", "mkv", "dca", 20, 11 },
        { "ac3.mkv", "-c:a ac3", "mkv", "ac3", 60, 6 },
        { "a.ac3", "", "ac3", "ac3", 60, 6 },
        { "a.eac3", "", "eac3", "eac3", 60, 6 },
        { "a.dts", "-c:a dca -strict -2", "dts", "dca", 20, 11 },
        { "a.wma", "", "wma", "wmav2", 130, 46 },
        { "one.wma", "-c:a wmav1", "wma", "wmav1", 130, 46 },
        { "mp2.ts", "-c:a mp2", "ts", "mp2", 26, 11 },
        { "aac.ts", "-c:a aac", "ts", "aac", 60, 23 },
        { "opus.ts", "-c:a libopus", "ts", "opus", 50, 6 },
        { "a.avi", "-c:a libmp3lame", "avi", "mp3float", 60, 25 },
        { "ac3.avi", "-c:a ac3", "avi", "ac3", 60, 6 },
        { "a.flv", "-c:a aac", "flv", "aac", 60, 23 },
        { "a.mpg", "", "mpg", "mp2", 26, 11 },
    };
    climb_all("-f lavfi -i \"" TONE ":s=44100\" -ac 2", rungs, SC_ARRAY_LEN(rungs));
}

static void codecs_of_telephones_and_dictation(void **state)
{
    (void)state;
    static const struct rung rungs[] = {
        { "ima.wav", "-c:a adpcm_ima_wav", "wav", "adpcm_ima_wav", 130, 0 },
        { "ms.wav", "-c:a adpcm_ms", "wav", "adpcm_ms", 130, 0 },
        { "yamaha.wav", "-c:a adpcm_yamaha", "wav", "adpcm_yamaha", 130, 0 },
        { "ima.caf", "-c:a adpcm_ima_qt", "caf", "adpcm_ima_qt", 10, 0 },
        { "ima.mov", "-c:a adpcm_ima_qt", "mov", "adpcm_ima_qt", 10, 0 },
        { "g726.wav", "-c:a g726", "wav", "g726", 0, 0 },
        { "g723.wav", "-c:a g723_1 -b:a 6300", "wav", "g723_1", 30, 8 },
        { "g722.wav", "-c:a g722 -ar 16000", "wav", "g722", 1, 0 },
        { "g722.au", "-c:a g722 -ar 16000", "au", "g722", 1, 0 },
        { "s8.spx", "-c:a libspeex", "ogg", "speex", 1, 14 },
        { "s16.spx", "-c:a libspeex -ar 16000", "ogg", "speex", 1, 14 },
        { "voice.opus", "-c:a libopus -application voip -b:a 12k", "ogg", "opus", 1, 3 },
    };
    climb_all("-f lavfi -i \"" TONE ":s=8000\" -ac 1", rungs, SC_ARRAY_LEN(rungs));
}

static void every_rate(void **state)
{
    (void)state;
    static const int rates[] = { 7350,  8000,  11025, 12000, 16000,  22050,  24000,  32000,
                                 44100, 48000, 88200, 96000, 176400, 192000, 352800, 384000 };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(rates); i++) {
        char source[200];
        const struct rung rungs[] = {
            { "r.wav", "-c:a pcm_s24le", "wav", "pcm_s24le", 0, 0 },
            { "r.flac", "", "flac", "flac", 0, 0 },
        };
        (void)snprintf(source, sizeof(source), "-f lavfi -i \"" TONE ":s=%d\"", rates[i]);
        make(&dir, source, rungs, SC_ARRAY_LEN(rungs));
        for (size_t k = 0; k < SC_ARRAY_LEN(rungs); k++)
            climb(&dir, &rungs[k]);
    }
}

static void every_number_of_channels(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (int channels = 1; channels <= 8; channels++) {
        char source[200];
        const struct rung rungs[] = {
            { "c.wav", "", "wav", "pcm_s16le", 0, 0 },
            { "c.flac", "", "flac", "flac", 0, 0 },
            { "c.m4a", "-c:a aac", "m4a", "aac", 0, 0 },
            { "c.ogg", "-c:a libvorbis", "ogg", "vorbis", 0, 0 },
            { "c.opus", "-c:a libopus -mapping_family 255", "ogg", "opus", 0, 0 },
        };
        (void)snprintf(source, sizeof(source), "-f lavfi -i \"" TONE ":s=48000\" -ac %d", channels);
        make(&dir, source, rungs, SC_ARRAY_LEN(rungs));
        for (size_t i = 0; i < SC_ARRAY_LEN(rungs); i++)
            climb(&dir, &rungs[i]);
    }
}

/* Frames of AMR, written by hand: Debian has no encoder. */
static void write_amr(const struct test_dir *dir, const char *name, const char *magic, int speech,
                      size_t speech_size, bool pauses)
{
    char path[PATH_MAX];
    FILE *f = fopen(test_path(dir, name, path), "wb");
    uint32_t seed = 1;
    assert_non_null(f);
    assert_true(fputs(magic, f) >= 0);
    for (int i = 0; i < 150; i++) {
        bool pause = pauses && i >= 50 && i < 100;
        bool comfort = pause && i % 8 == 0;
        int type = !pause ? speech : comfort ? speech + 1 : 15;
        size_t size = !pause ? speech_size : comfort ? 5 : 0;
        assert_int_equal(fputc(type << 3 | 4, f), type << 3 | 4);
        for (size_t k = 0; k < size; k++) {
            seed = seed * 1103515245 + 12345;
            assert_true(fputc(comfort ? 0 : (int)(seed >> 16 & 0xff), f) >= 0);
        }
    }
    assert_int_equal(fclose(f), 0);
}

static void phones_may_send_nothing_in_a_pause(void **state)
{
    (void)state;
    static const struct {
        const char *file, *magic, *codec;
        int speech;
        size_t size;
        bool pauses;
    } cases[] = {
        { "a.amr", "#!AMR\n", "amrnb", 7, 31, false },
        { "p.amr", "#!AMR\n", "amrnb", 7, 31, true },
        { "a.awb", "#!AMR-WB\n", "amrwb", 8, 60, false },
        { "p.awb", "#!AMR-WB\n", "amrwb", 8, 60, true },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        write_amr(&dir, cases[i].file, cases[i].magic, cases[i].speech, cases[i].size,
                  cases[i].pauses);
        if (decode(&dir, cases[i].file, &h) != SC_OK)
            fail_msg("%s: %s", cases[i].file, h.err.msg);
        assert_string_equal(h.info.format, "amr");
        assert_string_equal(h.info.codec, cases[i].codec);
        assert_near((int64_t)h.samples, 3 * RATE, 1, cases[i].file);
        assert_int_equal(h.stats.packet_errors, 0);
        assert_int_equal(h.stats.lost_count, 0);
        assert_true(is_loud(&h, RATE / 2, RATE));
        assert_int_equal(is_loud(&h, RATE + RATE / 10, 2 * RATE - RATE / 10), !cases[i].pauses);
    }
}

static void samples_of_speech_research(void **state)
{
    (void)state;
    static const char head[] = "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\n"
                               "sample_n_bytes -i 2\nsample_byte_format -s2 01\n"
                               "sample_sig_bits -i 16\nsample_count -i 48000\n"
                               "sample_coding -s3 pcm\nend_head\n";
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    FILE *f = fopen(test_path(&dir, "head", path), "wb");
    assert_non_null(f);
    assert_int_equal(fprintf(f, "%s%*s", head, (int)(1025 - sizeof(head)), ""), 1024);
    assert_int_equal(fclose(f), 0);
    ffmpeg(&dir, "-f lavfi -i \"" TONE ":s=16000\" -f s16le raw");
    shell(&dir, "cat head raw > a.sph");
    const struct rung rung = { "a.sph", "", "sph", "pcm_s16le", 0, 0 };
    climb(&dir, &rung);
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
        TEST(samples_as_they_are),
        TEST(codecs_that_lose_nothing),
        TEST(codecs_of_music_and_film),
        TEST(codecs_of_telephones_and_dictation),
        TEST(every_rate),
        TEST(every_number_of_channels),
        TEST(phones_may_send_nothing_in_a_pause),
        TEST(samples_of_speech_research),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
