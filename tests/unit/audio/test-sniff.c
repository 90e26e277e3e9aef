#include "audio/input.h"

#include "testing.h"

#include "base/banned.h"

#define ZIP_MEMBER "PK\x03\x04\x14\x00\x00\x00\x08\x00------------------\x08\x00"

static void what_is_no_audio_is_named(void **state)
{
    (void)state;
    static const struct {
        struct sc_str head;
        const char *says;
    } cases[] = {
        { SC_STR(""), "empty" },
        { SC_STR("\x1f\x8b\x08\x00"), "gzip" },
        { SC_STR("PK\x03\x04xxxx"), "ZIP" },
        { SC_STR("#EXTM3U\n#EXTINF:1,\n"), "playlist" },
        { SC_STR("\xef\xbb\xbf#EXTM3U\n"), "playlist" },
        { SC_STR("ffconcat version 1.0\n"), "playlist" },
        { SC_STR("# comment\nffconcat version 1.0\nfile x\n"), "playlist" },
        { SC_STR("[playlist]\nFile1=x\n"), "playlist" },
        { SC_STR("<?xml version=\"1.0\"?><MPD xmlns=\"x\">"), "playlist" },
        { SC_STR("NESM\x1a\x01"), "game music" },
        { SC_STR("MThd\x00\x00"), "MIDI" },
        { SC_STR("%PDF-1.4"), "document" },
        { SC_STR("\x89PNG\r\n"), "picture" },
        { SC_STR("R"), "too short" },
        { SC_STR("\0\0\0\0\0\0\0\0\0\0\0\0"), "zeros" },
        { SC_STR("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
                 "\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e"),
          "encrypted" },
        { SC_STR("\xd0\x94\xd0\xbd\xd0\xb5\xd0\xb2\xd0\xbd\xd0\xb8\xd0\xba, 12.3.2020"), "text" },
        { SC_STR("dear diary, today I recorded nothing"), "text" },
        { SC_STR("\x7f"
                 "ELF\x02"),
          "program" },
        { SC_STR(ZIP_MEMBER "[Content_Types].xml"), "document" },
        { SC_STR(ZIP_MEMBER "_rels/.rels"), "document" },
        { SC_STR(ZIP_MEMBER "docProps/app.xml"), "document" },
        { SC_STR(ZIP_MEMBER "docProps/core.xml"), "document" },
        { SC_STR(ZIP_MEMBER "mimetypeapplication/vnd.oasis.opendocument.text"), "document" },
        { SC_STR(ZIP_MEMBER "talk.wav"), "ZIP" },
        { SC_STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "document" },
        { SC_STR("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"
                 "................................................"),
          "program" },
        { SC_STR("MZ is what I wrote down when nothing was recorded, which is long"), "text" },
        { SC_STR("a caf\xe9 in Z\xfcrich, 12 o'clock"), "text" },
        { SC_STR("\xff\xfe"
                 "a\x00\n\x00\x3b\x04"),
          "text" },
        { SC_STR("\xfe\xff\x00"
                 "a\x00\r\x4e\x2d"),
          "text" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        const char *said = sniff_refusal(cases[i].head);
        assert_non_null(said);
        assert_non_null(strstr(said, cases[i].says));
    }
}

static void the_image_of_a_disc_is_told(void **state)
{
    (void)state;
    static char image[32769 + 5];
    memcpy(image + 32769, "CD001", 5);
    assert_non_null(strstr(sniff_refusal((struct sc_str){ image, sizeof(image) }), "disc"));
}

static void what_may_be_audio_goes_on(void **state)
{
    (void)state;
    static const struct sc_str heads[] = {
        { "RIFF\x24\x00\x00\x00WAVEfmt ", 16 },
        { "ID3\x03\x00\x00\x00\x00\x00\x21", 10 },
        { "\xff\xfb\x90\x64\x00", 5 },
        { "fLaC\x00\x00\x00\x22", 8 },
        { "OggS\x00\x02\x00\x00", 8 },
        { "#!AMR\n\x3c\x55\x00", 9 },
        { "#!AMR\n|||||||||", 15 },
        { "NIST_1A\n   1024\nchannel_count -i 1\n", 35 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 }, /* raw, but no text */
        { "\x00\x00\x00\x20"
          "ftypM4A ",
          12 },
        { "\x1a\x45\xdf\xa3", 4 },
        { "\xff\xfe\xb0\x64\x00\x00\x51\x24", 8 }, /* MPEG audio, layer I */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(heads); i++)
        assert_null(sniff_refusal(heads[i]));
    /* The beginning of ZIP's mark is not ZIP's mark. */
    assert_null(strstr(sniff_refusal(SC_STR("P")), "ZIP"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_audio_is_named),
        TEST(the_image_of_a_disc_is_told),
        TEST(what_may_be_audio_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
