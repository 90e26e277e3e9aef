#include "transcript/language.h"

#include "base/macros.h"

#include <ctype.h>
#include <stdio.h>

#include "base/banned.h"

/* The first name of a code is the one that answers use. */
static const struct {
    char code[4];
    const char *name;
} languages[] = {
    { "af", "afrikaans" },
    { "am", "amharic" },
    { "ar", "arabic" },
    { "as", "assamese" },
    { "az", "azerbaijani" },
    { "ba", "bashkir" },
    { "be", "belarusian" },
    { "bg", "bulgarian" },
    { "bn", "bengali" },
    { "bo", "tibetan" },
    { "br", "breton" },
    { "bs", "bosnian" },
    { "ca", "catalan" },
    { "ca", "valencian" },
    { "ceb", "cebuano" },
    { "co", "corsican" },
    { "cs", "czech" },
    { "cy", "welsh" },
    { "da", "danish" },
    { "de", "german" },
    { "dz", "dzongkha" },
    { "el", "greek" },
    { "en", "english" },
    { "eo", "esperanto" },
    { "es", "spanish" },
    { "es", "castilian" },
    { "et", "estonian" },
    { "eu", "basque" },
    { "fa", "persian" },
    { "fi", "finnish" },
    { "fo", "faroese" },
    { "fr", "french" },
    { "fy", "frisian" },
    { "ga", "irish" },
    { "gd", "scottish gaelic" },
    { "gl", "galician" },
    { "gn", "guarani" },
    { "gu", "gujarati" },
    { "ha", "hausa" },
    { "haw", "hawaiian" },
    { "he", "hebrew" },
    { "hi", "hindi" },
    { "hr", "croatian" },
    { "ht", "haitian creole" },
    { "ht", "haitian" },
    { "hu", "hungarian" },
    { "hy", "armenian" },
    { "ia", "interlingua" },
    { "id", "indonesian" },
    { "ig", "igbo" },
    { "is", "icelandic" },
    { "it", "italian" },
    { "ja", "japanese" },
    { "jv", "javanese" },
    { "jw", "javanese" },
    { "ka", "georgian" },
    { "kk", "kazakh" },
    { "km", "khmer" },
    { "kn", "kannada" },
    { "ko", "korean" },
    { "ku", "kurdish" },
    { "ky", "kyrgyz" },
    { "la", "latin" },
    { "lb", "luxembourgish" },
    { "lb", "letzeburgesch" },
    { "ln", "lingala" },
    { "lo", "lao" },
    { "lt", "lithuanian" },
    { "lv", "latvian" },
    { "mg", "malagasy" },
    { "mi", "maori" },
    { "mk", "macedonian" },
    { "ml", "malayalam" },
    { "mn", "mongolian" },
    { "mr", "marathi" },
    { "ms", "malay" },
    { "mt", "maltese" },
    { "my", "myanmar" },
    { "my", "burmese" },
    { "ne", "nepali" },
    { "nl", "dutch" },
    { "nl", "flemish" },
    { "nn", "nynorsk" },
    { "no", "norwegian" },
    { "nb", "bokmal" },
    { "ny", "chichewa" },
    { "oc", "occitan" },
    { "or", "odia" },
    { "pa", "punjabi" },
    { "pa", "panjabi" },
    { "pl", "polish" },
    { "ps", "pashto" },
    { "ps", "pushto" },
    { "pt", "portuguese" },
    { "qu", "quechua" },
    { "ro", "romanian" },
    { "ro", "moldavian" },
    { "ro", "moldovan" },
    { "ru", "russian" },
    { "rw", "kinyarwanda" },
    { "sa", "sanskrit" },
    { "sd", "sindhi" },
    { "si", "sinhala" },
    { "si", "sinhalese" },
    { "sk", "slovak" },
    { "sl", "slovenian" },
    { "sm", "samoan" },
    { "sn", "shona" },
    { "so", "somali" },
    { "sq", "albanian" },
    { "sr", "serbian" },
    { "st", "sotho" },
    { "su", "sundanese" },
    { "sv", "swedish" },
    { "sw", "swahili" },
    { "ta", "tamil" },
    { "te", "telugu" },
    { "tg", "tajik" },
    { "th", "thai" },
    { "tk", "turkmen" },
    { "tl", "tagalog" },
    { "tl", "filipino" },
    { "tr", "turkish" },
    { "tt", "tatar" },
    { "ug", "uyghur" },
    { "uk", "ukrainian" },
    { "ur", "urdu" },
    { "uz", "uzbek" },
    { "vi", "vietnamese" },
    { "xh", "xhosa" },
    { "yi", "yiddish" },
    { "yo", "yoruba" },
    { "yue", "cantonese" },
    { "zh", "chinese" },
    { "zh", "mandarin" },
    { "zu", "zulu" },
};

static bool is_code(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isalpha((unsigned char)text.ptr[i]))
            return false;
    }
    return text.len == 2 || text.len == 3;
}

/* What stands before a region or a script: "pt" of "pt-BR" and "pt_BR". */
static struct sc_str without_region(struct sc_str tag)
{
    struct sc_str rest = tag;
    struct sc_str base = sc_str_take_until(&rest, '-');
    return sc_str_take_until(&base, '_');
}

bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(text, sc_str_from(languages[i].name))) {
            (void)snprintf(out, SC_LANGUAGE_TEXT, "%s", languages[i].code);
            return true;
        }
    }
    struct sc_str base = without_region(text);
    if (sc_str_equal_nocase(text, SC_STR("auto")))
        base = text;
    else if (!is_code(base))
        return false;
    for (size_t i = 0; i < base.len; i++)
        out[i] = (char)tolower((unsigned char)base.ptr[i]);
    out[base.len] = '\0';
    return true;
}

const char *sc_language_name(const char *code)
{
    struct sc_str base = without_region(sc_str_from(code));
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(base, sc_str_from(languages[i].code)))
            return languages[i].name;
    }
    return code[0] == '\0' ? "unknown" : code;
}
