#include "transcript/language.h"

#include "base/macros.h"

#include "base/banned.h"

static const struct {
    const char *code, *name;
} languages[] = {
    { "af", "afrikaans" },      { "am", "amharic" },     { "ar", "arabic" },
    { "as", "assamese" },       { "az", "azerbaijani" }, { "ba", "bashkir" },
    { "be", "belarusian" },     { "bg", "bulgarian" },   { "bn", "bengali" },
    { "bo", "tibetan" },        { "br", "breton" },      { "bs", "bosnian" },
    { "ca", "catalan" },        { "cs", "czech" },       { "cy", "welsh" },
    { "da", "danish" },         { "de", "german" },      { "el", "greek" },
    { "en", "english" },        { "es", "spanish" },     { "et", "estonian" },
    { "eu", "basque" },         { "fa", "persian" },     { "fi", "finnish" },
    { "fo", "faroese" },        { "fr", "french" },      { "gl", "galician" },
    { "gu", "gujarati" },       { "ha", "hausa" },       { "haw", "hawaiian" },
    { "he", "hebrew" },         { "hi", "hindi" },       { "hr", "croatian" },
    { "ht", "haitian creole" }, { "hu", "hungarian" },   { "hy", "armenian" },
    { "id", "indonesian" },     { "is", "icelandic" },   { "it", "italian" },
    { "ja", "japanese" },       { "jw", "javanese" },    { "ka", "georgian" },
    { "kk", "kazakh" },         { "km", "khmer" },       { "kn", "kannada" },
    { "ko", "korean" },         { "la", "latin" },       { "lb", "luxembourgish" },
    { "ln", "lingala" },        { "lo", "lao" },         { "lt", "lithuanian" },
    { "lv", "latvian" },        { "mg", "malagasy" },    { "mi", "maori" },
    { "mk", "macedonian" },     { "ml", "malayalam" },   { "mn", "mongolian" },
    { "mr", "marathi" },        { "ms", "malay" },       { "mt", "maltese" },
    { "my", "myanmar" },        { "ne", "nepali" },      { "nl", "dutch" },
    { "nn", "nynorsk" },        { "no", "norwegian" },   { "oc", "occitan" },
    { "pa", "punjabi" },        { "pl", "polish" },      { "ps", "pashto" },
    { "pt", "portuguese" },     { "ro", "romanian" },    { "ru", "russian" },
    { "sa", "sanskrit" },       { "sd", "sindhi" },      { "si", "sinhala" },
    { "sk", "slovak" },         { "sl", "slovenian" },   { "sn", "shona" },
    { "so", "somali" },         { "sq", "albanian" },    { "sr", "serbian" },
    { "su", "sundanese" },      { "sv", "swedish" },     { "sw", "swahili" },
    { "ta", "tamil" },          { "te", "telugu" },      { "tg", "tajik" },
    { "th", "thai" },           { "tk", "turkmen" },     { "tl", "tagalog" },
    { "tr", "turkish" },        { "tt", "tatar" },       { "uk", "ukrainian" },
    { "ur", "urdu" },           { "uz", "uzbek" },       { "vi", "vietnamese" },
    { "yi", "yiddish" },        { "yo", "yoruba" },      { "yue", "cantonese" },
    { "zh", "chinese" },
};

const char *sc_language_code(struct sc_str name)
{
    struct sc_str first = name;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '-' || name.ptr[i] == '_') {
            first.len = i;
            break;
        }
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(name, sc_str_from(languages[i].name)) ||
            sc_str_equal_nocase(first, sc_str_from(languages[i].code)))
            return languages[i].code;
    }
    return "";
}

const char *sc_language_name(struct sc_str code)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(code, sc_str_from(languages[i].code)))
            return languages[i].name;
    }
    return NULL;
}
