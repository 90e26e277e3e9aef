/* What a job's settings say of its sound. */

#include "pipeline/decoder.h"

#include "testing.h"

#include "base/banned.h"

static void put_sound(const struct sc_sound *s, struct sc_buf *out)
{
    sc_buf_printf(out, "%s%s%s%s%s, chunks of %d s, %d dB, %d ms, %d ms, no speech above %g",
                  s->channels, s->vad ? " vad" : "", s->drop_music ? " drop" : "",
                  s->sequential ? " sequential" : "", s->one_language ? " one" : "", s->chunk_s,
                  s->threshold_db, s->min_silence_ms, s->hangover_ms, s->no_speech);
}

#define USUAL "chunks of 0 s, 6 dB, 300 ms, 300 ms, no speech above "

static void each_setting_says_one_thing(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *sound;
    } rows[] = {
        { NULL, "mix vad, " USUAL "1" },
        { "no JSON", "mix vad, " USUAL "1" },
        { "{}", "mix vad, " USUAL "1" },
        { "{\"channels\":\"split\"}", "split vad, " USUAL "1" },
        { "{\"vad\":false}", "mix, " USUAL "1" },
        { "{\"music\":\"drop\"}", "mix vad drop, " USUAL "1" },
        { "{\"multilingual\":false}", "mix vad one, " USUAL "1" },
        { "{\"vad\":true,\"music\":\"drop\",\"multilingual\":false,\"sequential\":true}",
          "mix sequential, " USUAL "1" },
        { "{\"no_speech_threshold\":0.25}", "mix vad, " USUAL "0.25" },
        { "{\"chunk_length\":7000}",
          "mix vad, chunks of 7 s, 6 dB, 300 ms, 300 ms, no speech above 1" },
        { "{\"vad_threshold\":9}",
          "mix vad, chunks of 0 s, 9 dB, 300 ms, 300 ms, no speech above 1" },
        { "{\"vad_min_silence\":400}",
          "mix vad, chunks of 0 s, 6 dB, 400 ms, 300 ms, no speech above 1" },
        { "{\"vad_padding\":0}", "mix vad, chunks of 0 s, 6 dB, 300 ms, 0 ms, no speech above 1" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF said = { 0 };
        struct sc_sound sound;
        sc_sound_read(rows[i].settings, &sound);
        put_sound(&sound, &said);
        assert_string_equal(sc_buf_text(&said), rows[i].sound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_setting_says_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
