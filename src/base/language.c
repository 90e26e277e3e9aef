#include "base/language.h"

#include "base/macros.h"

#include <ctype.h>
#include <stdio.h>

#include "base/banned.h"

/* All of ISO 639-1, and what recognisers know beside it. The first name of a code is the one that
 * answers use. */
static const struct {
    char code[4];
    const char *name;
} languages[] = {
    { "aa", "afar" },
    { "ab", "abkhazian" },
    { "ae", "avestan" },
    { "af", "afrikaans" },
    { "ak", "akan" },
    { "am", "amharic" },
    { "an", "aragonese" },
    { "ar", "arabic" },
    { "as", "assamese" },
    { "av", "avaric" },
    { "ay", "aymara" },
    { "az", "azerbaijani" },
    { "ba", "bashkir" },
    { "be", "belarusian" },
    { "bg", "bulgarian" },
    { "bi", "bislama" },
    { "bm", "bambara" },
    { "bn", "bengali" },
    { "bo", "tibetan" },
    { "br", "breton" },
    { "bs", "bosnian" },
    { "ca", "catalan" },
    { "ca", "valencian" },
    { "ce", "chechen" },
    { "ceb", "cebuano" },
    { "ch", "chamorro" },
    { "co", "corsican" },
    { "cr", "cree" },
    { "cs", "czech" },
    { "cu", "church slavonic" },
    { "cv", "chuvash" },
    { "cy", "welsh" },
    { "da", "danish" },
    { "de", "german" },
    { "dv", "divehi" },
    { "dz", "dzongkha" },
    { "ee", "ewe" },
    { "el", "greek" },
    { "en", "english" },
    { "eo", "esperanto" },
    { "es", "spanish" },
    { "es", "castilian" },
    { "et", "estonian" },
    { "eu", "basque" },
    { "fa", "persian" },
    { "ff", "fulah" },
    { "fi", "finnish" },
    { "fj", "fijian" },
    { "fo", "faroese" },
    { "fr", "french" },
    { "fy", "frisian" },
    { "ga", "irish" },
    { "gd", "scottish gaelic" },
    { "gl", "galician" },
    { "gn", "guarani" },
    { "gu", "gujarati" },
    { "gv", "manx" },
    { "ha", "hausa" },
    { "haw", "hawaiian" },
    { "he", "hebrew" },
    { "hi", "hindi" },
    { "ho", "hiri motu" },
    { "hr", "croatian" },
    { "ht", "haitian creole" },
    { "ht", "haitian" },
    { "hu", "hungarian" },
    { "hy", "armenian" },
    { "hz", "herero" },
    { "ia", "interlingua" },
    { "id", "indonesian" },
    { "ie", "interlingue" },
    { "ig", "igbo" },
    { "ii", "sichuan yi" },
    { "ik", "inupiaq" },
    { "io", "ido" },
    { "is", "icelandic" },
    { "it", "italian" },
    { "iu", "inuktitut" },
    { "ja", "japanese" },
    { "jv", "javanese" },
    { "jw", "javanese" },
    { "ka", "georgian" },
    { "kg", "kongo" },
    { "ki", "kikuyu" },
    { "kj", "kuanyama" },
    { "kk", "kazakh" },
    { "kl", "kalaallisut" },
    { "km", "khmer" },
    { "kn", "kannada" },
    { "ko", "korean" },
    { "kr", "kanuri" },
    { "ks", "kashmiri" },
    { "ku", "kurdish" },
    { "kv", "komi" },
    { "kw", "cornish" },
    { "ky", "kyrgyz" },
    { "la", "latin" },
    { "lb", "luxembourgish" },
    { "lb", "letzeburgesch" },
    { "lg", "ganda" },
    { "li", "limburgish" },
    { "ln", "lingala" },
    { "lo", "lao" },
    { "lt", "lithuanian" },
    { "lu", "luba-katanga" },
    { "lv", "latvian" },
    { "mg", "malagasy" },
    { "mh", "marshallese" },
    { "mi", "maori" },
    { "mk", "macedonian" },
    { "ml", "malayalam" },
    { "mn", "mongolian" },
    { "mr", "marathi" },
    { "ms", "malay" },
    { "mt", "maltese" },
    { "my", "myanmar" },
    { "my", "burmese" },
    { "na", "nauru" },
    { "nb", "bokmal" },
    { "nd", "north ndebele" },
    { "ne", "nepali" },
    { "ng", "ndonga" },
    { "nl", "dutch" },
    { "nl", "flemish" },
    { "nn", "nynorsk" },
    { "no", "norwegian" },
    { "nr", "south ndebele" },
    { "nv", "navajo" },
    { "ny", "chichewa" },
    { "oc", "occitan" },
    { "oj", "ojibwa" },
    { "om", "oromo" },
    { "or", "odia" },
    { "os", "ossetian" },
    { "pa", "punjabi" },
    { "pa", "panjabi" },
    { "pi", "pali" },
    { "pl", "polish" },
    { "ps", "pashto" },
    { "ps", "pushto" },
    { "pt", "portuguese" },
    { "qu", "quechua" },
    { "rm", "romansh" },
    { "rn", "rundi" },
    { "ro", "romanian" },
    { "ro", "moldavian" },
    { "ro", "moldovan" },
    { "ru", "russian" },
    { "rw", "kinyarwanda" },
    { "sa", "sanskrit" },
    { "sc", "sardinian" },
    { "sd", "sindhi" },
    { "se", "northern sami" },
    { "sg", "sango" },
    { "si", "sinhala" },
    { "si", "sinhalese" },
    { "sk", "slovak" },
    { "sl", "slovenian" },
    { "sm", "samoan" },
    { "sn", "shona" },
    { "so", "somali" },
    { "sq", "albanian" },
    { "sr", "serbian" },
    { "ss", "swati" },
    { "st", "sotho" },
    { "su", "sundanese" },
    { "sv", "swedish" },
    { "sw", "swahili" },
    { "ta", "tamil" },
    { "te", "telugu" },
    { "tg", "tajik" },
    { "th", "thai" },
    { "ti", "tigrinya" },
    { "tk", "turkmen" },
    { "tl", "tagalog" },
    { "tl", "filipino" },
    { "tn", "tswana" },
    { "to", "tonga" },
    { "tr", "turkish" },
    { "ts", "tsonga" },
    { "tt", "tatar" },
    { "tw", "twi" },
    { "ty", "tahitian" },
    { "ug", "uyghur" },
    { "uk", "ukrainian" },
    { "ur", "urdu" },
    { "uz", "uzbek" },
    { "ve", "venda" },
    { "vi", "vietnamese" },
    { "vo", "volapuk" },
    { "wa", "walloon" },
    { "wo", "wolof" },
    { "xh", "xhosa" },
    { "yi", "yiddish" },
    { "yo", "yoruba" },
    { "yue", "cantonese" },
    { "za", "zhuang" },
    { "zh", "chinese" },
    { "zh", "mandarin" },
    { "zu", "zulu" },
};

/* NULL: the code has no name here. */
static const char *name_of(struct sc_str code)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(code, sc_str_from(languages[i].code)))
            return languages[i].name;
    }
    return NULL;
}

static const char *code_of(struct sc_str name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(languages); i++) {
        if (sc_str_equal_nocase(name, sc_str_from(languages[i].name)))
            return languages[i].code;
    }
    return NULL;
}

/* Of two letters the table has all; of three there are thousands, and engines that know some. */
static bool is_code(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isalpha((unsigned char)text.ptr[i]))
            return false;
    }
    return text.len == 3 || (text.len == 2 && name_of(text) != NULL);
}

/* What stands before a region or a script: "pt" of "pt-BR" and "pt_BR". */
static struct sc_str without_region(struct sc_str tag)
{
    struct sc_str rest = tag;
    struct sc_str base = sc_str_take_until(&rest, '-');
    return sc_str_take_until(&base, '_');
}

bool sc_language_tag(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    const char *code = code_of(text);
    struct sc_str tag = code == NULL ? text : sc_str_from(code);
    struct sc_str base = without_region(tag);
    bool any = sc_str_equal_nocase(text, SC_STR("auto"));
    if (tag.len >= SC_LANGUAGE_TEXT || (!any && !is_code(base)))
        return false;
    for (size_t i = base.len; i < tag.len; i++) {
        if (!isalnum((unsigned char)tag.ptr[i]) && tag.ptr[i] != '-' && tag.ptr[i] != '_')
            return false;
    }
    for (size_t i = 0; i < tag.len; i++)
        out[i] = i < base.len ? (char)tolower((unsigned char)tag.ptr[i]) : tag.ptr[i];
    out[tag.len] = '\0';
    return true;
}

bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    if (!sc_language_tag(text, out))
        return false;
    out[without_region(sc_str_from(out)).len] = '\0';
    return true;
}

const char *sc_language_name(const char *code)
{
    const char *name = name_of(without_region(sc_str_from(code)));
    if (name != NULL)
        return name;
    return code[0] == '\0' ? "unknown" : code;
}
