#include "heard.h"

#include <strings.h>

#include "base/banned.h"

static void video_is_passed_over_and_told_by_the_format(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    SC_AUTO(heard_done) struct heard none = { 0 };
    ffmpeg(&dir, SOURCE PICTURE "-c:v mpeg4 -c:a aac v.mp4");
    ffmpeg(&dir, PICTURE "-c:v mpeg4 mute.mp4");
    assert_int_equal(decode(&dir, "v.mp4", &h), SC_OK);
    assert_string_equal(h.info.format, "mp4");
    assert_near(tone_edge(&h, false), 1000, 25, "tone");
    assert_int_equal(decode(&dir, "mute.mp4", &none), SC_E_FILE_FORMAT);
    assert_non_null(strstr(none.err.msg, "no sound track"));
    assert_int_equal(none.infos, 0);
}

static void a_late_start_is_silence(void **state)
{
    (void)state;
    static const struct {
        const char *name, *codec;
    } files[] = {
        { "l.mkv", "mpeg4" }, { "l.mp4", "mpeg4" }, { "l.ts", "mpeg4" },
        { "l.wmv", "wmv2" },  { "l.flv", "flv" },   { "l.mpg", "mpeg2video" },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *arguments = NULL;
        assert_true(asprintf(&arguments,
                             "-itsoffset 2 " SOURCE PICTURE "-map 0:a -map 1:v -r 25 -c:v %s %s",
                             files[i].codec, files[i].name) > 0);
        ffmpeg(&dir, arguments);
        assert_int_equal(decode(&dir, files[i].name, &h), SC_OK);
        assert_near(tone_edge(&h, false), 3000, 60, files[i].name);
        assert_near(h.info.start_ms, 2000, 60, files[i].name);
    }
}

/* AVI has no field for it. FFmpeg writes empty chunks, which its reader gives no time where the
 * header tells the size of a block, and none for PCM: players begin at once, and so does the
 * transcript. */
static void a_late_start_in_avi_is_as_players_show_it(void **state)
{
    (void)state;
    static const struct {
        const char *name, *codec;
        int64_t tone_ms;
    } files[] = {
        { "mp3.avi", "mp3", 1000 },       { "ac3.avi", "ac3", 1000 },   { "aac.avi", "aac", 1000 },
        { "pcm.avi", "pcm_s16le", 1000 }, { "flac.avi", "flac", 3000 }, /* one frame to a chunk */
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *arguments = NULL;
        assert_true(asprintf(&arguments,
                             "-itsoffset 2 " SOURCE PICTURE
                             "-map 0:a -map 1:v -r 25 -c:v mpeg4 -c:a %s %s",
                             files[i].codec, files[i].name) > 0);
        ffmpeg(&dir, arguments);
        assert_int_equal(decode(&dir, files[i].name, &h), SC_OK);
        assert_near(tone_edge(&h, false), files[i].tone_ms, 60, files[i].name);
        assert_int_equal(h.stats.lost_count, 0);
    }
}

static void a_gap_is_silence(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    /* Packets from 0.3 s to 0.8 s are missing; the tone must stay where it was. */
    ffmpeg(&dir, SOURCE "-c:a aac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a \"noise=drop='between(pts*tb,0.3,0.8)'\" gap.mkv");
    assert_int_equal(decode(&dir, "gap.mkv", &h), SC_OK);
    assert_near(tone_edge(&h, false), 1000, 40, "tone");
    assert_near((int64_t)h.samples / 16, 3000, 60, "length");
    assert_true(h.stats.decoded_ms < 2700);
}

/* From a slower to a faster clock and back. */
static void chained_ogg_goes_on_where_the_clock_restarts(void **state)
{
    (void)state;
    static const char *const files[] = { "ab.ogg", "ba.ogg", "fg.ogg", "gf.ogg" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, SOURCE "-c:a libvorbis a.ogg");
    ffmpeg(&dir, SOURCE "-c:a libvorbis -ar 16000 -ac 1 b.ogg");
    ffmpeg(&dir, SOURCE "-c:a flac f.ogg");
    ffmpeg(&dir, SOURCE "-c:a flac -ar 96000 -ac 6 g.ogg");
    shell(&dir, "cat a.ogg b.ogg > ab.ogg; cat b.ogg a.ogg > ba.ogg; cat f.ogg g.ogg > fg.ogg; "
                "cat g.ogg f.ogg > gf.ogg");
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 6000, 60, files[i]);
        assert_near(tone_edge(&h, false), 1000, 20, files[i]);
        assert_near(tone_edge(&h, true), 5000, 60, files[i]);
        assert_int_equal(h.info.duration_ms, -1); /* that of one part would be a lie */
        assert_int_equal(h.stats.packet_errors, 0);
        assert_int_equal(h.stats.lost_count, 0);
    }
}

/* Bare frames, in which the rate changes. */
static void joined_streams_take_as_long_as_their_parts(void **state)
{
    (void)state;
    static const char *const kinds[] = { "aac", "mp3", "ac3" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        SC_AUTO_FREE char *line = NULL;
        assert_true(asprintf(&line,
                             SOURCE "-ar 44100 a.%s -ar 32000 -ac 1 b.%s && cat a.%s b.%s a.%s > "
                                    "aba.%s",
                             kinds[i], kinds[i], kinds[i], kinds[i], kinds[i], kinds[i]) > 0);
        ffmpeg(&dir, line);
        SC_AUTO(heard_done) struct heard h = { 0 };
        char name[16];
        (void)snprintf(name, sizeof(name), "aba.%s", kinds[i]);
        assert_int_equal(decode(&dir, name, &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 9000, 200, name);
        assert_near(tone_edge(&h, true), 8000, 180, name);
        assert_int_equal(h.stats.lost_count, 0);
    }
}

/* The header of a later part lies in the way of its first frame, and must not be heard as a loss.
 */
static void joined_flac_takes_as_long_as_its_parts(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int64_t parts;
    } joined[] = {
        { "aa.flac", 2 }, { "ab.flac", 2 }, { "ba.flac", 2 }, { "aba.flac", 3 }, { "bab.flac", 3 }
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, SOURCE "-ar 16000 -ac 1 a.flac");
    ffmpeg(&dir, SOURCE "b.flac");
    shell(&dir, "cat a.flac a.flac > aa.flac; cat a.flac b.flac > ab.flac; "
                "cat b.flac a.flac > ba.flac; cat a.flac b.flac a.flac > aba.flac; "
                "cat b.flac a.flac b.flac > bab.flac");
    for (size_t i = 0; i < SC_ARRAY_LEN(joined); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        const int64_t length = 3000 * joined[i].parts;
        assert_int_equal(decode(&dir, joined[i].file, &h), SC_OK);
        assert_near((int64_t)h.samples / 16, length, 10, joined[i].file);
        assert_near(tone_edge(&h, false), 1000, 10, joined[i].file);
        assert_near(tone_edge(&h, true), length - 1000, 15, joined[i].file);
        assert_int_equal(h.stats.lost_count, 0);
        assert_false(h.stats.truncated);
    }
}

/* Joined copies of one file share its serial number; the parts of a broadcast do not. */
static void chained_opus_loses_no_part(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, SOURCE "-c:a libopus a.opus");
    ffmpeg(&dir, SOURCE "-ac 6 -c:a libopus b.opus");
    shell(&dir, "cat a.opus a.opus > same.opus; cat a.opus b.opus > other.opus");
    static const char *const files[] = { "same.opus", "other.opus" };
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_near((int64_t)h.samples / 16, 6000, 10, files[i]);
        assert_near(tone_edge(&h, false), 1000, 10, files[i]);
        assert_near(tone_edge(&h, true), 5000, 15, files[i]);
        assert_int_equal(h.stats.packet_errors, 0);
        assert_int_equal(h.stats.lost_count, 0);
    }
}

static void the_track_that_is_meant_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *file, *options;
        int track;
    } cases[] = {
        { "first.mkv", "-map 0 -map 1 -disposition:a 0", 1 },
        { "default.mkv", "-map 0 -map 1 -disposition:a:0 0 -disposition:a:1 default", 2 },
        { "default.mp4", "-map 0 -map 1 -c:a aac -disposition:a:0 0 -disposition:a:1 default", 2 },
        { "comment.mkv", "-map 0 -map 1 -disposition:a:0 comment -disposition:a:1 0", 2 },
        /* A codec that is not accepted, then one that is. */
        { "usable.ts", "-map 0 -map 1 -c:a:0 s302m -strict -2 -ar 48000 -ac 2 -c:a:1 mp2", 2 },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *line = NULL;
        assert_true(asprintf(&line,
                             "-f lavfi -i sine=400:d=1:r=48000 -f lavfi -i sine=3000:d=1:r=48000 "
                             "%s %s",
                             cases[i].options, cases[i].file) > 0);
        ffmpeg(&dir, line);
        assert_int_equal(decode(&dir, cases[i].file, &h), SC_OK);
        assert_int_equal(h.info.tracks, 2);
        int crossings = 0;
        for (size_t k = 1; k < h.samples; k++)
            crossings += h.pcm[k - 1] < 0 && h.pcm[k] >= 0;
        if (h.info.track != cases[i].track || (crossings > 1000) != (cases[i].track == 2))
            fail_msg("%s: track %d, %d periods", cases[i].file, h.info.track, crossings);
    }
}

/* The index of a long MP4 is read another way; its size is what counts, and here it is all comment.
 */
static void the_edits_of_a_long_mp4_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *file, *options;
        int from_ms, to_ms, length_ms;
    } cases[] = {
        { "plain.m4a", "-i a.m4a", 1000, 2000, 3000 },
        { "skip.m4a", "-ss 0.7 -i a.m4a", 300, 1300, 2300 },
        { "short.m4a", "-t 1.5 -i a.m4a", 1000, 1500, 1500 },
        { "late.m4a", "-itsoffset 2 -i a.m4a", 3000, 4000, 5000 },
        { "alac.m4a", "-i alac.m4a0", 1000, 2000, 3000 },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, SOURCE "-c:a aac a.m4a -c:a alac -f mp4 alac.m4a0");
    shell(&dir,
          "{ printf ';FFMETADATA1\ncomment='; head -c 1500000 /dev/zero | tr '\\0' x; } > meta");
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *line = NULL;
        assert_true(asprintf(&line, "%s -i meta -map_metadata 1 -c copy %s", cases[i].options,
                             cases[i].file) > 0);
        ffmpeg(&dir, line);
        assert_int_equal(decode(&dir, cases[i].file, &h), SC_OK);
        assert_near((int64_t)h.samples / 16, cases[i].length_ms, 50, cases[i].file);
        assert_near(tone_edge(&h, false), cases[i].from_ms, 6, cases[i].file);
        assert_near(tone_edge(&h, true), cases[i].to_ms, 30, cases[i].file);
        assert_false(h.stats.truncated);
    }
}

static void broken_packets_are_counted_and_stepped_over(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, SOURCE "-c:a flac whole.mkv");
    ffmpeg(&dir, "-i whole.mkv -c copy -bsf:a \"noise=amount='if(between(pts*tb,0.3,0.7),1,0)'\" "
                 "hurt.mkv");
    assert_int_equal(decode(&dir, "hurt.mkv", &h), SC_OK);
    assert_in_range(h.stats.packet_errors, 1, 20);
    assert_near(h.stats.first_error_ms, 300, 150, "first error");
    assert_near(tone_edge(&h, false), 1000, 10, "tone");
}

static void decode_floats(const float *samples, size_t count, bool wide, struct heard *h)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    test_write_bytes(&dir, "raw", (const char *)samples, count * sizeof *samples);
    ffmpeg(&dir, "-f f32le -ar 16000 -i raw -c copy single.wav");
    ffmpeg(&dir, "-i single.wav -c:a pcm_f64le double.wav");
    assert_int_equal(decode(&dir, wide ? "double.wav" : "single.wav", h), SC_OK);
}

static void what_is_no_number_is_silence(void **state)
{
    (void)state;
    static const float odd[] = { NAN, INFINITY, -INFINITY };
    float samples[RATE];
    for (size_t i = 0; i < SC_ARRAY_LEN(samples); i++)
        samples[i] = 0.5F * sinf((float)i / 5);
    for (int wide = 0; wide < 2; wide++) {
        SC_AUTO(heard_done) struct heard zero = { 0 };
        SC_AUTO(heard_done) struct heard h = { 0 };
        for (size_t i = 0; i < SC_ARRAY_LEN(odd); i++)
            samples[4000 * (i + 1)] = 0;
        decode_floats(samples, RATE, wide, &zero);
        for (size_t i = 0; i < SC_ARRAY_LEN(odd); i++)
            samples[4000 * (i + 1)] = odd[i];
        decode_floats(samples, RATE, wide, &h);
        assert_int_equal(h.samples, zero.samples);
        assert_memory_equal(h.pcm, zero.pcm, h.samples * sizeof *h.pcm);
    }
}

static void a_truncated_file_gives_what_is_there(void **state)
{
    (void)state;
    static const char *const files[] = { "t.wav", "t.mp3", "t.flac", "t.ogg", "t.mkv", "t.ts" };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        SC_AUTO_FREE char *arguments = NULL;
        SC_AUTO_FREE char *cut = NULL;
        assert_true(asprintf(&arguments, SOURCE "%s", files[i]) > 0);
        ffmpeg(&dir, arguments);
        assert_true(asprintf(&cut, "truncate -s $(( $(stat -c %%s %s) * 6 / 10 )) %s", files[i],
                             files[i]) > 0);
        shell(&dir, cut);
        assert_int_equal(decode(&dir, files[i], &h), SC_OK);
        assert_in_range(h.samples, RATE / 2, 3 * RATE);
    }
}

static void refusals_say_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *make, *says;
    } cases[] = {
        { ": > x", "empty" },
        { "head -c 100000 /dev/urandom > x", "no audio format" },
        { "printf '#EXTM3U\\nfile:///etc/passwd\\n' > x", "playlist" },
        { "printf 'ffconcat version 1.0\\nfile a.wav\\n' > x", "playlist" },
        { "gzip -c a.wav > x", "gzip" },
        { "head -c 400 a.m4a > x", "ends before its index" },
        { "head -c 30 a.flac > x", "damaged or cut off" },
        { "cp a.wav x; printf '\\1\\0\\0\\0' | dd of=x bs=1 seek=24 conv=notrunc status=none",
          "1 Hz" },
        { "cp a.wav x; printf '\\377\\3' | dd of=x bs=1 seek=20 conv=notrunc status=none",
          "no kind that is known" },
        { "printf 'ID3\\003\\000\\000\\000\\000\\001\\000' > x", "tags but no audio" },
        { "head -c 5000 /dev/zero > x", "" },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    ffmpeg(&dir, SOURCE "a.wav");
    ffmpeg(&dir, SOURCE "a.m4a");
    ffmpeg(&dir, SOURCE "a.flac");
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(heard_done) struct heard h = { 0 };
        shell(&dir, cases[i].make);
        enum sc_code code = decode(&dir, "x", &h);
        if (code != SC_E_FILE_FORMAT || strstr(h.err.msg, cases[i].says) == NULL)
            fail_msg("%s: %s '%s'", cases[i].make, sc_code_name(code), h.err.msg);
        assert_int_equal(h.samples, 0);
    }
}

static void formats_that_are_not_listed_are_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard container = { 0 };
    SC_AUTO(heard_done) struct heard codec = { 0 };
    ffmpeg(&dir, SOURCE "-f nut x.nut");
    assert_int_equal(decode(&dir, "x.nut", &container), SC_E_FILE_FORMAT);
    assert_non_null(strstr(container.err.msg, "nut"));
    ffmpeg(&dir, SOURCE "-c:a s302m -strict -2 -ar 48000 x.ts");
    assert_int_equal(decode(&dir, "x.ts", &codec), SC_E_FILE_FORMAT);
    assert_non_null(strstr(codec.err.msg, "s302m"));
}

static void a_header_without_samples_is_an_empty_recording(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    shell(&dir, "printf 'RIFF\\044\\0\\0\\0WAVEfmt \\020\\0\\0\\0\\001\\0\\001\\0"
                "\\200\\076\\0\\0\\0\\175\\0\\0\\002\\0\\020\\0data\\0\\0\\0\\0' > none.wav");
    assert_int_equal(decode(&dir, "none.wav", &h), SC_OK);
    assert_int_equal(h.stats.samples, 0);
    assert_int_equal(h.infos, 1);
}

static void a_lying_duration_is_not_believed(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, SOURCE "-bitexact -ac 1 -ar 16000 lie.wav");
    /* The data chunk claims 2 GB. */
    shell(&dir,
          "printf '\\000\\000\\000\\177' | dd of=lie.wav bs=1 seek=40 conv=notrunc status=none");
    assert_int_equal(decode(&dir, "lie.wav", &h), SC_OK);
    assert_true(h.info.duration_ms < 4000);
    assert_near((int64_t)h.samples / 16, 3000, 5, "length");
}

static void limits_end_it_by_the_header_or_by_the_count(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard declared = { 0 };
    SC_AUTO(heard_done) struct heard counted = { 0 };
    SC_AUTO(heard_done) struct heard probed = { 0 };
    const struct sc_audio_options limit = { .max_ms = 5000 };
    ffmpeg(&dir, "-f lavfi -i sine=d=20:r=16000 long.wav");
    ffmpeg(&dir, "-f lavfi -i sine=d=20:r=16000 long.aac");
    assert_int_equal(decode_file(&dir, "long.wav", &limit, &declared), SC_E_FILE_TOO_LARGE);
    assert_int_equal(declared.infos, 0);
    assert_int_equal(decode_file(&dir, "long.aac", &limit, &counted), SC_E_FILE_TOO_LARGE);
    assert_int_equal(counted.infos, 1);
    assert_in_range(counted.samples, 0, 5 * RATE);
    assert_int_equal(
        decode_file(&dir, "long.wav", &(struct sc_audio_options){ .probe = true }, &probed), SC_OK);
    assert_int_equal(probed.samples, 0);
    assert_in_range(probed.stats.samples, 10 * RATE, 11 * RATE);
}

static bool after_twenty(void *ctx)
{
    int *asked = ctx;
    return ++*asked > 20;
}

static void stop_is_asked_for_while_decoding(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    int asked = 0;
    ffmpeg(&dir, "-f lavfi -i sine=d=60:r=16000 long.wav");
    struct sc_audio_options options = { .stop = after_twenty, .stop_ctx = &asked };
    assert_int_equal(decode_file(&dir, "long.wav", &options, &h), SC_E_CANCELLED);
}

static enum sc_code refuse_info(void *ctx, const struct sc_audio_info *info, struct sc_error *err)
{
    (void)ctx;
    (void)info;
    return sc_error_set(err, SC_E_NO_SPACE, "full");
}

static void the_sink_may_end_it_with_its_own_code(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    ffmpeg(&dir, SOURCE "a.wav");
    SC_AUTO_CLOSE int fd = open(test_path(&dir, "a.wav", path), O_RDONLY);
    struct sc_audio_source source = sc_audio_source_fd(&fd, 1 << 20);
    struct sc_audio_sink sink = { .info = refuse_info, .pcm = on_pcm };
    struct sc_audio_options options = { 0 };
    struct sc_audio_stats stats = { .samples = 77 };
    assert_int_equal(sc_audio_decode(&source, &options, &sink, &stats, NULL), SC_E_NO_SPACE);
    assert_int_equal(stats.samples, 77);
}

static int64_t failing_read(void *ctx, int64_t offset, void *out, size_t len)
{
    (void)ctx;
    if (offset >= 65536) {
        errno = EIO;
        return -1;
    }
    memset(out, 0, len);
    memcpy(out,
           "RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data"
           "\xff\xff\xff\x70",
           offset == 0 ? SC_MIN(len, (size_t)44) : 0);
    return (int64_t)len;
}

static void a_failing_disk_is_no_fault_of_the_format(void **state)
{
    (void)state;
    SC_AUTO(heard_done) struct heard h = { 0 };
    struct sc_audio_source source = { failing_read, NULL, 1 << 30 };
    struct sc_audio_options options = { 0 };
    assert_int_equal(decode_with(&source, &options, &h), SC_E_IO_ERROR);
}

static void tags_are_kept_once_each(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard h = { 0 };
    ffmpeg(&dir, SOURCE "-metadata title='a \"quoted\" name' -metadata artist=me "
                        "-metadata:s:a title=other a.mkv");
    assert_int_equal(decode(&dir, "a.mkv", &h), SC_OK);
    int titles = 0;
    for (size_t i = 0; i < h.info.tag_count; i++) {
        if (strcasecmp(h.info.tags[i].key, "title") == 0) {
            titles++;
            assert_string_equal(h.info.tags[i].value, "a \"quoted\" name");
        }
    }
    assert_int_equal(titles, 1);
}

static void the_same_bytes_give_the_same_samples(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(heard_done) struct heard a = { 0 };
    SC_AUTO(heard_done) struct heard b = { 0 };
    ffmpeg(&dir, SOURCE "-c:a libopus a.opus");
    assert_int_equal(decode(&dir, "a.opus", &a), SC_OK);
    assert_int_equal(decode(&dir, "a.opus", &b), SC_OK);
    assert_int_equal(a.samples, b.samples);
    assert_memory_equal(a.pcm, b.pcm, a.samples * sizeof(int16_t));
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
        TEST(video_is_passed_over_and_told_by_the_format),
        TEST(a_late_start_is_silence),
        TEST(a_late_start_in_avi_is_as_players_show_it),
        TEST(a_gap_is_silence),
        TEST(chained_ogg_goes_on_where_the_clock_restarts),
        TEST(joined_streams_take_as_long_as_their_parts),
        TEST(joined_flac_takes_as_long_as_its_parts),
        TEST(chained_opus_loses_no_part),
        TEST(the_track_that_is_meant_is_chosen),
        TEST(the_edits_of_a_long_mp4_are_kept),
        TEST(broken_packets_are_counted_and_stepped_over),
        TEST(what_is_no_number_is_silence),
        TEST(a_truncated_file_gives_what_is_there),
        TEST(refusals_say_what_it_is),
        TEST(formats_that_are_not_listed_are_refused),
        TEST(a_header_without_samples_is_an_empty_recording),
        TEST(a_lying_duration_is_not_believed),
        TEST(limits_end_it_by_the_header_or_by_the_count),
        TEST(stop_is_asked_for_while_decoding),
        TEST(the_sink_may_end_it_with_its_own_code),
        TEST(a_failing_disk_is_no_fault_of_the_format),
        TEST(tags_are_kept_once_each),
        TEST(the_same_bytes_give_the_same_samples),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
