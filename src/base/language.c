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
    { "nd", "north ndebele" },
    { "ne", "nepali" },
    { "ng", "ndonga" },
    { "nl", "dutch" },
    { "nl", "flemish" },
    { "nn", "nynorsk" },
    { "no", "norwegian" },
    { "no", "bokmal" },
    { "no", "bokmål" },
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

/* Other codes of languages, in their order: those of three letters (ISO 639-2, both where there are
 * two; two that recognisers say beside these), those that were withdrawn, of which Whisper was
 * trained with `jw`, and Bokmål, which is what its `no` is. */
static const struct other_code {
    char code[4], settled[3];
} other_codes[] = {
    { "aar", "aa" }, { "abk", "ab" }, { "afr", "af" }, { "aka", "ak" }, { "alb", "sq" },
    { "amh", "am" }, { "ara", "ar" }, { "arg", "an" }, { "arm", "hy" }, { "asm", "as" },
    { "ava", "av" }, { "ave", "ae" }, { "aym", "ay" }, { "aze", "az" }, { "bak", "ba" },
    { "bam", "bm" }, { "baq", "eu" }, { "bel", "be" }, { "ben", "bn" }, { "bis", "bi" },
    { "bod", "bo" }, { "bos", "bs" }, { "bre", "br" }, { "bul", "bg" }, { "bur", "my" },
    { "cat", "ca" }, { "ces", "cs" }, { "cha", "ch" }, { "che", "ce" }, { "chi", "zh" },
    { "chu", "cu" }, { "chv", "cv" }, { "cmn", "zh" }, { "cor", "kw" }, { "cos", "co" },
    { "cre", "cr" }, { "cym", "cy" }, { "cze", "cs" }, { "dan", "da" }, { "deu", "de" },
    { "div", "dv" }, { "dut", "nl" }, { "dzo", "dz" }, { "ell", "el" }, { "eng", "en" },
    { "epo", "eo" }, { "est", "et" }, { "eus", "eu" }, { "ewe", "ee" }, { "fao", "fo" },
    { "fas", "fa" }, { "fij", "fj" }, { "fil", "tl" }, { "fin", "fi" }, { "fra", "fr" },
    { "fre", "fr" }, { "fry", "fy" }, { "ful", "ff" }, { "geo", "ka" }, { "ger", "de" },
    { "gla", "gd" }, { "gle", "ga" }, { "glg", "gl" }, { "glv", "gv" }, { "gre", "el" },
    { "grn", "gn" }, { "guj", "gu" }, { "hat", "ht" }, { "hau", "ha" }, { "heb", "he" },
    { "her", "hz" }, { "hin", "hi" }, { "hmo", "ho" }, { "hrv", "hr" }, { "hun", "hu" },
    { "hye", "hy" }, { "ibo", "ig" }, { "ice", "is" }, { "ido", "io" }, { "iii", "ii" },
    { "iku", "iu" }, { "ile", "ie" }, { "in", "id" },  { "ina", "ia" }, { "ind", "id" },
    { "ipk", "ik" }, { "isl", "is" }, { "ita", "it" }, { "iw", "he" },  { "jav", "jv" },
    { "ji", "yi" },  { "jpn", "ja" }, { "jw", "jv" },  { "kal", "kl" }, { "kan", "kn" },
    { "kas", "ks" }, { "kat", "ka" }, { "kau", "kr" }, { "kaz", "kk" }, { "khm", "km" },
    { "kik", "ki" }, { "kin", "rw" }, { "kir", "ky" }, { "kom", "kv" }, { "kon", "kg" },
    { "kor", "ko" }, { "kua", "kj" }, { "kur", "ku" }, { "lao", "lo" }, { "lat", "la" },
    { "lav", "lv" }, { "lim", "li" }, { "lin", "ln" }, { "lit", "lt" }, { "ltz", "lb" },
    { "lub", "lu" }, { "lug", "lg" }, { "mac", "mk" }, { "mah", "mh" }, { "mal", "ml" },
    { "mao", "mi" }, { "mar", "mr" }, { "may", "ms" }, { "mkd", "mk" }, { "mlg", "mg" },
    { "mlt", "mt" }, { "mo", "ro" },  { "mon", "mn" }, { "mri", "mi" }, { "msa", "ms" },
    { "mya", "my" }, { "nau", "na" }, { "nav", "nv" }, { "nb", "no" },  { "nbl", "nr" },
    { "nde", "nd" }, { "ndo", "ng" }, { "nep", "ne" }, { "nld", "nl" }, { "nno", "nn" },
    { "nob", "no" }, { "nor", "no" }, { "nya", "ny" }, { "oci", "oc" }, { "oji", "oj" },
    { "ori", "or" }, { "orm", "om" }, { "oss", "os" }, { "pan", "pa" }, { "per", "fa" },
    { "pli", "pi" }, { "pol", "pl" }, { "por", "pt" }, { "pus", "ps" }, { "que", "qu" },
    { "roh", "rm" }, { "ron", "ro" }, { "rum", "ro" }, { "run", "rn" }, { "rus", "ru" },
    { "sag", "sg" }, { "san", "sa" }, { "sh", "sr" },  { "sin", "si" }, { "slk", "sk" },
    { "slo", "sk" }, { "slv", "sl" }, { "sme", "se" }, { "smo", "sm" }, { "sna", "sn" },
    { "snd", "sd" }, { "som", "so" }, { "sot", "st" }, { "spa", "es" }, { "sqi", "sq" },
    { "srd", "sc" }, { "srp", "sr" }, { "ssw", "ss" }, { "sun", "su" }, { "swa", "sw" },
    { "swe", "sv" }, { "tah", "ty" }, { "tam", "ta" }, { "tat", "tt" }, { "tel", "te" },
    { "tgk", "tg" }, { "tgl", "tl" }, { "tha", "th" }, { "tib", "bo" }, { "tir", "ti" },
    { "ton", "to" }, { "tsn", "tn" }, { "tso", "ts" }, { "tuk", "tk" }, { "tur", "tr" },
    { "twi", "tw" }, { "uig", "ug" }, { "ukr", "uk" }, { "urd", "ur" }, { "uzb", "uz" },
    { "ven", "ve" }, { "vie", "vi" }, { "vol", "vo" }, { "wel", "cy" }, { "wln", "wa" },
    { "wol", "wo" }, { "xho", "xh" }, { "yid", "yi" }, { "yor", "yo" }, { "zha", "za" },
    { "zho", "zh" }, { "zul", "zu" },
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

static int by_code(const void *key, const void *row)
{
    return strcmp(key, ((const struct other_code *)row)->code);
}

/* The code that counts for a language: "de" for "deu" and "GER", "jv" for "jw". */
static struct sc_str settled(struct sc_str code)
{
    char lower[4];
    if (code.len >= sizeof(lower))
        return code;
    for (size_t i = 0; i < code.len; i++)
        lower[i] = (char)tolower((unsigned char)code.ptr[i]);
    lower[code.len] = '\0';
    const struct other_code *row =
        bsearch(lower, other_codes, SC_ARRAY_LEN(other_codes), sizeof(other_codes[0]), by_code);
    return row == NULL ? code : sc_str_from(row->settled);
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

/* One part behind the code as it is usually written: "TW", "Hant", "419". */
static bool put_part(struct sc_str part, char *out)
{
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        bool upper = part.len == 2 || (part.len == 4 && i == 0);
        if (!isalnum(c))
            return false;
        out[i] = (char)(upper ? toupper(c) : tolower(c));
    }
    return part.len > 0;
}

/* "-Hant-TW" of "_hant_tw". */
static bool put_parts(struct sc_str parts, char *out)
{
    while (parts.len > 0) {
        struct sc_str part = without_region((struct sc_str){ parts.ptr + 1, parts.len - 1 });
        *out++ = '-';
        if (!put_part(part, out))
            return false;
        out += part.len;
        parts = (struct sc_str){ part.ptr + part.len, parts.len - 1 - part.len };
    }
    *out = '\0';
    return true;
}

bool sc_language_tag(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    const char *code = code_of(text);
    struct sc_str tag = code == NULL ? text : sc_str_from(code);
    struct sc_str base = without_region(tag);
    struct sc_str known = settled(base);
    bool any = sc_str_equal_nocase(text, SC_STR("auto"));
    char made[SC_LANGUAGE_TEXT];
    if (tag.len >= SC_LANGUAGE_TEXT || (!any && !is_code(known)))
        return false;
    for (size_t i = 0; i < known.len; i++)
        made[i] = (char)tolower((unsigned char)known.ptr[i]);
    if (!put_parts((struct sc_str){ tag.ptr + base.len, tag.len - base.len }, made + known.len))
        return false;
    memcpy(out, made, sizeof(made));
    return true;
}

bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    if (!sc_language_tag(text, out))
        return false;
    out[without_region(sc_str_from(out)).len] = '\0';
    return true;
}

bool sc_language_as(const char *list, const char *language, char out[SC_LANGUAGE_TEXT])
{
    char tag[SC_LANGUAGE_TEXT], listed[SC_LANGUAGE_TEXT];
    struct sc_str rest = sc_str_from(list);
    bool found = false, same = false;
    if (!sc_language_tag(sc_str_from(language), tag))
        return false;
    const struct sc_str code = without_region(sc_str_from(tag));
    while (rest.len > 0 && !same) {
        struct sc_str one = sc_str_trim(sc_str_take_until(&rest, ','));
        if (!sc_language_tag(one, listed))
            continue;
        same = strcmp(listed, tag) == 0;
        if (!same && (found || !sc_str_equal(without_region(sc_str_from(listed)), code)))
            continue;
        const char *region = same ? "" : tag + code.len;
        struct sc_str spelt = region[0] == '\0' ? one : without_region(one);
        if (spelt.len + strlen(region) >= SC_LANGUAGE_TEXT)
            return false;
        (void)snprintf(out, SC_LANGUAGE_TEXT, "%.*s%s", (int)spelt.len, spelt.ptr, region);
        found = true;
    }
    return found;
}

const char *sc_language_name(const char *code)
{
    const char *name = name_of(settled(without_region(sc_str_from(code))));
    if (name != NULL)
        return name;
    return code[0] == '\0' ? "unknown" : code;
}
