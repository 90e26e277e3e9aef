#include "base/language.h"

#include "base/macros.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* The codes of three letters (ISO 639-2, both where there are two) of languages that have one of
 * two, in their order. */
static const struct long_code {
    char three[4], two[3];
} long_codes[] = {
    { "aar", "aa" }, { "abk", "ab" }, { "afr", "af" }, { "aka", "ak" }, { "alb", "sq" },
    { "amh", "am" }, { "ara", "ar" }, { "arg", "an" }, { "arm", "hy" }, { "asm", "as" },
    { "ava", "av" }, { "ave", "ae" }, { "aym", "ay" }, { "aze", "az" }, { "bak", "ba" },
    { "bam", "bm" }, { "baq", "eu" }, { "bel", "be" }, { "ben", "bn" }, { "bis", "bi" },
    { "bod", "bo" }, { "bos", "bs" }, { "bre", "br" }, { "bul", "bg" }, { "bur", "my" },
    { "cat", "ca" }, { "ces", "cs" }, { "cha", "ch" }, { "che", "ce" }, { "chi", "zh" },
    { "chu", "cu" }, { "chv", "cv" }, { "cor", "kw" }, { "cos", "co" }, { "cre", "cr" },
    { "cym", "cy" }, { "cze", "cs" }, { "dan", "da" }, { "deu", "de" }, { "div", "dv" },
    { "dut", "nl" }, { "dzo", "dz" }, { "ell", "el" }, { "eng", "en" }, { "epo", "eo" },
    { "est", "et" }, { "eus", "eu" }, { "ewe", "ee" }, { "fao", "fo" }, { "fas", "fa" },
    { "fij", "fj" }, { "fin", "fi" }, { "fra", "fr" }, { "fre", "fr" }, { "fry", "fy" },
    { "ful", "ff" }, { "geo", "ka" }, { "ger", "de" }, { "gla", "gd" }, { "gle", "ga" },
    { "glg", "gl" }, { "glv", "gv" }, { "gre", "el" }, { "grn", "gn" }, { "guj", "gu" },
    { "hat", "ht" }, { "hau", "ha" }, { "heb", "he" }, { "her", "hz" }, { "hin", "hi" },
    { "hmo", "ho" }, { "hrv", "hr" }, { "hun", "hu" }, { "hye", "hy" }, { "ibo", "ig" },
    { "ice", "is" }, { "ido", "io" }, { "iii", "ii" }, { "iku", "iu" }, { "ile", "ie" },
    { "ina", "ia" }, { "ind", "id" }, { "ipk", "ik" }, { "isl", "is" }, { "ita", "it" },
    { "jav", "jv" }, { "jpn", "ja" }, { "kal", "kl" }, { "kan", "kn" }, { "kas", "ks" },
    { "kat", "ka" }, { "kau", "kr" }, { "kaz", "kk" }, { "khm", "km" }, { "kik", "ki" },
    { "kin", "rw" }, { "kir", "ky" }, { "kom", "kv" }, { "kon", "kg" }, { "kor", "ko" },
    { "kua", "kj" }, { "kur", "ku" }, { "lao", "lo" }, { "lat", "la" }, { "lav", "lv" },
    { "lim", "li" }, { "lin", "ln" }, { "lit", "lt" }, { "ltz", "lb" }, { "lub", "lu" },
    { "lug", "lg" }, { "mac", "mk" }, { "mah", "mh" }, { "mal", "ml" }, { "mao", "mi" },
    { "mar", "mr" }, { "may", "ms" }, { "mkd", "mk" }, { "mlg", "mg" }, { "mlt", "mt" },
    { "mon", "mn" }, { "mri", "mi" }, { "msa", "ms" }, { "mya", "my" }, { "nau", "na" },
    { "nav", "nv" }, { "nbl", "nr" }, { "nde", "nd" }, { "ndo", "ng" }, { "nep", "ne" },
    { "nld", "nl" }, { "nno", "nn" }, { "nob", "nb" }, { "nor", "no" }, { "nya", "ny" },
    { "oci", "oc" }, { "oji", "oj" }, { "ori", "or" }, { "orm", "om" }, { "oss", "os" },
    { "pan", "pa" }, { "per", "fa" }, { "pli", "pi" }, { "pol", "pl" }, { "por", "pt" },
    { "pus", "ps" }, { "que", "qu" }, { "roh", "rm" }, { "ron", "ro" }, { "rum", "ro" },
    { "run", "rn" }, { "rus", "ru" }, { "sag", "sg" }, { "san", "sa" }, { "sin", "si" },
    { "slk", "sk" }, { "slo", "sk" }, { "slv", "sl" }, { "sme", "se" }, { "smo", "sm" },
    { "sna", "sn" }, { "snd", "sd" }, { "som", "so" }, { "sot", "st" }, { "spa", "es" },
    { "sqi", "sq" }, { "srd", "sc" }, { "srp", "sr" }, { "ssw", "ss" }, { "sun", "su" },
    { "swa", "sw" }, { "swe", "sv" }, { "tah", "ty" }, { "tam", "ta" }, { "tat", "tt" },
    { "tel", "te" }, { "tgk", "tg" }, { "tgl", "tl" }, { "tha", "th" }, { "tib", "bo" },
    { "tir", "ti" }, { "ton", "to" }, { "tsn", "tn" }, { "tso", "ts" }, { "tuk", "tk" },
    { "tur", "tr" }, { "twi", "tw" }, { "uig", "ug" }, { "ukr", "uk" }, { "urd", "ur" },
    { "uzb", "uz" }, { "ven", "ve" }, { "vie", "vi" }, { "vol", "vo" }, { "wel", "cy" },
    { "wln", "wa" }, { "wol", "wo" }, { "xho", "xh" }, { "yid", "yi" }, { "yor", "yo" },
    { "zha", "za" }, { "zho", "zh" }, { "zul", "zu" },
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

static int by_three(const void *key, const void *row)
{
    return strcmp(key, ((const struct long_code *)row)->three);
}

/* "de" for "deu" and "GER"; NULL: there is no shorter one. */
static const char *short_code(struct sc_str code)
{
    char three[4];
    if (code.len != sizeof(three) - 1)
        return NULL;
    for (size_t i = 0; i < code.len; i++)
        three[i] = (char)tolower((unsigned char)code.ptr[i]);
    three[code.len] = '\0';
    const struct long_code *row =
        bsearch(three, long_codes, SC_ARRAY_LEN(long_codes), sizeof(long_codes[0]), by_three);
    return row == NULL ? NULL : row->two;
}

/* The code that counts for a language: the short one where there is one. */
static struct sc_str settled(struct sc_str code)
{
    const char *known = short_code(code);
    return known == NULL ? code : sc_str_from(known);
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
    struct sc_str known = settled(base);
    for (size_t i = 0; i < known.len; i++)
        out[i] = (char)tolower((unsigned char)known.ptr[i]);
    memcpy(out + known.len, tag.ptr + base.len, tag.len - base.len);
    out[known.len + tag.len - base.len] = '\0';
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
    const char *name = name_of(settled(without_region(sc_str_from(code))));
    if (name != NULL)
        return name;
    return code[0] == '\0' ? "unknown" : code;
}
