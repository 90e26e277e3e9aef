/* OpenAI's dialect: fields, names of models and languages, bodies, errors. */

#include "api/openai.h"
#include "base/alloc.h"
#include "base/utf8.h"

#include "testing.h"

#include "base/banned.h"

static void take(struct sc_openai_form *form, const char *name, const char *value)
{
    struct sc_error err = { 0 };
    if (sc_openai_form_take(form, sc_str_from(name), sc_str_from(value), &err) != SC_OK)
        fail_msg("%s=%s: %s", name, value, err.msg);
}

static void lists_have_many_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool words, segments;
    } rows[] = {
        { "timestamp_granularities[]", "word", true, false },
        { "timestamp_granularities", "segment", false, true },
        { "timestamp_granularities", "['word']", true, false },
        { "timestamp_granularities", "[\"word\", \"segment\"]", true, true },
        { "timestamp_granularities[0]", "word,segment", true, true },
        { "timestamp_granularities", "[]", false, false },
        { "timestamp_granularities", "[ ]", false, false },
        { "timestamp_granularities", "[ \"word\" ,'segment']", true, true },
        { "timestamp_granularities", "word, segment", true, true },
        { "timestamp_granularities", "", false, false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
        take(&form, rows[i].name, rows[i].value);
        assert_true(form.words == rows[i].words && form.segments == rows[i].segments);
    }
}

static void a_form_keeps_what_it_was_given(void **state)
{
    (void)state;
    SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_openai_form_check(&form, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "model");
    take(&form, "model", "tiny");
    take(&form, "model", "whisper-1"); /* the last one counts, as in most servers */
    take(&form, "language", "Portuguese");
    take(&form, "prompt", " a name ");
    take(&form, "temperature", "0.25");
    take(&form, "response_format", "verbose_json");
    take(&form, "keywords[]", "alpha");
    take(&form, "keywords[]", "beta");
    take(&form, "stream", "true");
    take(&form, "include[]", "logprobs");
    take(&form, "chunking_strategy[type]", "server_vad");
    take(&form, "chunking_strategy[threshold]", "0.5");
    take(&form, "vad\nfilter", "1");
    take(&form, "vad\nfilter", "1");
    sc_openai_form_ignore(&form, "prompt");
    assert_int_equal(sc_openai_form_check(&form, &err), SC_OK);
    assert_string_equal(form.model, "whisper-1");
    assert_string_equal(form.language, "pt");
    assert_string_equal(form.prompt, "a name");
    assert_true(form.temperature == 0.25);
    assert_int_equal(form.format, SC_OPENAI_VERBOSE_JSON);
    assert_string_equal(sc_buf_text(&form.keywords), "alpha, beta");
    assert_string_equal(sc_buf_text(&form.ignored), "chunking_strategy, prompt, stream, include");
    assert_null(strchr(sc_buf_text(&form.unknown), '\n'));
    assert_null(strchr(sc_buf_text(&form.unknown), ',')); /* noted once */
}

static void wrong_values_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *field;
    } rows[] = {
        { "known_speaker_references[]", "http://x/a.wav", "known_speaker_references" },
        { "known_speaker_names", "[\"a\", \"b\", \"c\", \"d\", \"e\"]", "known_speaker_names" },
        { "known_speaker_names", "a\nb", "known_speaker_names" },
        { "response_format", "docx", "response_format" },
        { "temperature", "1.1", "temperature" },
        { "temperature", "-0.1", "temperature" },
        { "temperature", "nan", "temperature" },
        { "temperature", "warm", "temperature" },
        { "language", "klingonish", "language" },
        { "language", "e1", "language" },
        { "languages[]", "12", "languages" },
        { "stream", "maybe", "stream" },
        { "include[]", "everything", "include" },
        { "channels", "left", "channels" },
        { "timestamp_granularities[]", "line", "timestamp_granularities" },
        { "timestamp_granularities", "['word', 'line']", "timestamp_granularities" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
        struct sc_error err = { 0 };
        enum sc_code code =
            sc_openai_form_take(&form, sc_str_from(rows[i].name), sc_str_from(rows[i].value), &err);
        assert_int_equal(code, SC_E_INVALID_VALUE);
        assert_string_equal(err.field, rows[i].field);
    }
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *model, *format, *stream, *channels, *field; /* field NULL: it is taken */
    } rows[] = {
        { "gpt-4o-transcribe", "diarized_json", "", "", "response_format" },
        { "gpt-4o-transcribe", "diarized_json", "", "mix", "response_format" },
        { "gpt-4o-transcribe", "diarized_json", "true", "split", NULL },
        { "gpt-4o-transcribe", "srt", "true", "", "stream" },
        { "gpt-4o-transcribe", "verbose_json", "true", "", "stream" },
        { "gpt-4o-transcribe", "text", "true", "", NULL },
        { "whisper-1", "srt", "true", "", NULL }, /* does not stream at all */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
        struct sc_error err = { 0 };
        take(&form, "model", rows[i].model);
        take(&form, "response_format", rows[i].format);
        take(&form, "stream", rows[i].stream);
        take(&form, "channels", rows[i].channels);
        enum sc_code code = sc_openai_form_check(&form, &err);
        assert_int_equal(code, rows[i].field == NULL ? SC_OK : SC_E_INVALID_VALUE);
        if (rows[i].field != NULL)
            assert_string_equal(err.field, rows[i].field);
        if (strcmp(rows[i].model, "whisper-1") == 0)
            assert_false(form.stream);
    }
}

static void speakers_have_letters_by_their_first_words(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS segments = { 0 };
    SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
    static const char *const heard[] = { "2", "1", "2", NULL, "1" };
    for (size_t i = 0; i < SC_ARRAY_LEN(heard); i++)
        sc_segments_add(&segments)->speaker = heard[i] == NULL ? NULL : sc_strdup(heard[i]);
    SC_AUTO(sc_openai_voices_done) struct sc_openai_voices voices = { .count = 0 };
    char letters[8] = "";
    for (size_t i = 0; i < segments.count; i++)
        letters[i] = sc_openai_speaker(&form, &voices, &segments.items[i]).name[0];
    assert_string_equal(letters, "ABACB");
    take(&form, "known_speaker_names[]", "agent"); /* channel 1 */
    static const char *const names[] = { "A", "agent", "A", "C", "agent" };
    sc_openai_voices_done(&voices);
    for (size_t i = 0; i < segments.count; i++)
        assert_string_equal(sc_openai_speaker(&form, &voices, &segments.items[i]).name, names[i]);
    for (int i = 0; i < 40; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%d", i);
        sc_segments_add(&segments)->speaker = sc_strdup(name);
    }
    for (size_t i = 5; i < segments.count; i++)
        (void)sc_openai_speaker(&form, &voices, &segments.items[i]);
    assert_string_equal(sc_openai_speaker(&form, &voices, &segments.items[segments.count - 1]).name,
                        "Z");
}

static void speakers_are_named_by_the_spellings_of_lists(void **state)
{
    (void)state;
    SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
    take(&form, "known_speaker_names", "[\"Ann \\u201eA\\\" Lee\", ' D\\'Arcy \"x\\xe9\" ']");
    take(&form, "known_speaker_names[]", " Cy ");
    take(&form, "known_speaker_names", "");
    take(&form, "known_speaker_names", "[\"O'Hara\"]");
    assert_int_equal(form.speaker_count, 4);
    assert_string_equal(form.speakers[0], "Ann \u201eA\" Lee");
    assert_string_equal(form.speakers[1], "D'Arcy \"x\u00e9\"");
    assert_string_equal(form.speakers[2], "Cy");
    assert_string_equal(form.speakers[3], "O'Hara");
    take(&form, "keywords", "['alpha', '', \"beta, gamma\"]");
    take(&form, "keywords[]", "delta");
    assert_string_equal(sc_buf_text(&form.keywords), "alpha, beta, gamma, delta");
    take(&form, "languages", "['en', \"de\"]");
    take(&form, "include", "['logprobs']");
    assert_true(form.logprobs);
}

static void a_broken_list_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const fields[] = { "timestamp_granularities", "include", "languages",
                                          "keywords", "known_speaker_names" };
    static const char *const values[] = {
        "[",
        "[word",
        "['word",
        "['word'",
        "['word',]",
        "['word' 'word']",
        "[word]",
        "[1]",
        "[null]",
        "[['word']]",
        "['word'] x",
        "['a\\u0000']",
        "['word', \"en]",
        "[\"\xff\"]",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++) {
        for (size_t k = 0; k < SC_ARRAY_LEN(values); k++) {
            SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
            struct sc_error err = { 0 };
            if (sc_openai_form_take(&form, sc_str_from(fields[i]), sc_str_from(values[k]), &err) !=
                    SC_E_INVALID_VALUE ||
                strcmp(err.field, fields[i]) != 0)
                fail_msg("%s=%s: %s", fields[i], values[k], err.msg);
            assert_true(sc_utf8_is_valid(sc_str_from(err.msg)));
        }
    }
}

/* What comes of names and samples: the field that is refused, or what is ignored. */
static void samples_of_voices_are_refused_where_they_would_count(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        bool split;
        int names, samples;
        const char *field, *ignored;
    } rows[] = {
        { "diarized_json", true, 2, 0, NULL, "" },
        { "diarized_json", true, 2, 2, "known_speaker_references", NULL },
        { "diarized_json", false, 2, 2, "response_format", NULL },
        { "json", false, 2, 2, NULL, "known_speaker_names, known_speaker_references" },
        { "json", true, 1, 0, NULL, "known_speaker_names" },
        { "json", false, 2, 1, "known_speaker_references", NULL },
        { "json", false, 0, 1, "known_speaker_references", NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
        struct sc_error err = { 0 };
        take(&form, "model", "gpt-4o-transcribe-diarize");
        take(&form, "response_format", rows[i].format);
        if (rows[i].split)
            take(&form, "channels", "split");
        for (int k = 0; k < rows[i].names; k++)
            take(&form, "known_speaker_names[]", k == 0 ? "agent" : "caller");
        for (int k = 0; k < rows[i].samples; k++)
            take(&form, "known_speaker_references[]", "data:audio/wav;base64,UklGR");
        enum sc_code code = sc_openai_form_check(&form, &err);
        assert_int_equal(code, rows[i].field == NULL ? SC_OK : SC_E_INVALID_VALUE);
        if (rows[i].field != NULL)
            assert_string_equal(err.field, rows[i].field);
        else
            assert_string_equal(form.ignored.len == 0 ? "" : sc_buf_text(&form.ignored),
                                rows[i].ignored);
    }
}

static void models_are_aliases_or_engines(void **state)
{
    (void)state;
    static const struct {
        const char *name, *engine, *model;
    } rows[] = {
        { "whisper-1", "", "" },
        { "gpt-4o-transcribe", "", "" },
        { "whisper-2", "whisper-2", "" },
        { "null", "null", "" },
        { "null/delay_ms=3", "null", "delay_ms=3" },
        { "command/a/b", "command", "a/b" },
        { "/x", "", "x" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_openai_model m = sc_openai_model_parse(rows[i].name);
        assert_true(sc_str_equal(m.engine, sc_str_from(rows[i].engine)));
        assert_true(sc_str_equal(m.model, sc_str_from(rows[i].model)));
    }
}

static void models_view_lists_what_can_run(void **state)
{
    (void)state;
    static const char engines[] =
        "{\"engines\": [{\"name\": \"a\", \"usable\": true, \"default_model\": \"m\"},"
        "{\"name\": \"b\", \"usable\": false, \"default_model\": \"n\"}]}";
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    assert_int_equal(sc_json_parse(SC_STR(engines), &doc, NULL), SC_OK);
    static const struct {
        const char *id;
        const char *default_engine;
        bool found;
    } rows[] = {
        { "a", "b", true },          { "a/m", "b", true },  { "b", "a", false },
        { "b/n", "a", false },       { "a/x", "a", false }, { "whisper-1", "a", true },
        { "whisper-1", "b", false }, { "", "a", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        assert_true(rows[i].found == sc_openai_models_view(sc_json_root(doc),
                                                           rows[i].default_engine,
                                                           sc_str_from(rows[i].id), &out));
    }
    SC_AUTO_BUF none = { 0 };
    assert_true(sc_openai_models_view(sc_json_root(doc), "b", (struct sc_str){ 0 }, &none));
    assert_non_null(strstr(sc_buf_text(&none), "\"id\":\"a/m\""));
    assert_null(strstr(sc_buf_text(&none), "whisper"));
}

static void models_view_begins_with_the_names_that_clients_know(void **state)
{
    (void)state;
    static const char engines[] = "{\"engines\": [{\"name\": \"a\", \"usable\": true},"
                                  "{\"name\": \"b\", \"usable\": true}]}";
    static const char begin[] = "{\"object\":\"list\",\"data\":[{\"id\":\"whisper-1\",";
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    assert_int_equal(sc_json_parse(SC_STR(engines), &doc, NULL), SC_OK);
    SC_AUTO_BUF all = { 0 };
    assert_true(sc_openai_models_view(sc_json_root(doc), "b", (struct sc_str){ 0 }, &all));
    assert_true(sc_str_starts(sc_buf_str(&all), SC_STR(begin)));
}

static void add(struct sc_segments *s, const char *text, int64_t start_ms, int64_t end_ms)
{
    struct sc_segment *one = sc_segments_add(s);
    assert_true(sc_segment_add_word(one, sc_str_from(text), start_ms, end_ms, 0.5f));
    sc_segment_settle(one);
}

static enum sc_code gather(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    (void)err;
    sc_buf_append(ctx, bytes, len);
    return SC_OK;
}

static void texts_of_segments_join_to_the_text(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS segments = { 0 };
    add(&segments, "good", 0, 900);
    add(&segments, "morning", 1000, 1900);
    add(&segments, "\u4f1a\u8b70", 2000, 2900);
    add(&segments, "\u3067\u3059", 3000, 3905);
    const struct sc_openai_result result = { -1, "", false };
    struct sc_list_source source = sc_list_source_of(&segments);
    SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };
    SC_AUTO_BUF text = { 0 };
    form.format = SC_OPENAI_TEXT;
    assert_int_equal(sc_openai_result_view(&form, &result, &source.source, gather, &text, NULL),
                     SC_OK);

    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF joined = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    form.format = SC_OPENAI_VERBOSE_JSON;
    assert_int_equal(sc_openai_result_view(&form, &result, &source.source, gather, &body, NULL),
                     SC_OK);
    assert_int_equal(sc_json_parse(sc_buf_str(&body), &doc, NULL), SC_OK);
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "segments");
    for (size_t i = 0; i < sc_json_count(list); i++)
        sc_buf_puts(&joined, sc_json_get_text(sc_json_member(sc_json_at(list, i), "text"), "?"));
    sc_buf_putc(&joined, '\n');
    assert_string_equal(sc_buf_text(&joined), sc_buf_text(&text));
    /* Without a length of the recording the last word tells one. */
    assert_non_null(strstr(sc_buf_text(&body), "\"duration\":3.905"));
    assert_non_null(strstr(sc_buf_text(&body), "\"seconds\":4"));
    assert_null(strstr(sc_buf_text(&body), "null"));
}

/* All events of a stream whose first `told` segments were told while the job ran. */
static void stream(const struct sc_openai_form *form, const struct sc_segments *segments,
                   size_t told, struct sc_buf *out)
{
    const struct sc_openai_result result = { 4000, "", false };
    struct sc_list_source source = sc_list_source_of(segments);
    SC_AUTO(sc_openai_pass_done) struct sc_openai_pass pass = { .count = 0 };
    for (size_t i = 0; i < told; i++)
        sc_openai_segment_event(form, &pass, &segments->items[i], out);
    assert_int_equal(sc_openai_stream_end(form, &result, &pass, &source.source, gather, out, NULL),
                     SC_OK);
    assert_false(out->failed);
}

/* The deltas in a row, and the text of the last event. */
static void join(const struct sc_buf *events, struct sc_buf *deltas, struct sc_buf *text)
{
    struct sc_str rest = sc_buf_str(events);
    while (rest.len > 0) {
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_str line = sc_str_take_until(&rest, '\n');
        assert_true(sc_str_starts(line, SC_STR("data: ")));
        assert_int_equal(sc_json_parse((struct sc_str){ line.ptr + 6, line.len - 6 }, &doc, NULL),
                         SC_OK);
        assert_int_equal(sc_str_take_until(&rest, '\n').len, 0);
        const struct sc_json_value *root = sc_json_root(doc);
        sc_buf_puts(deltas, sc_json_get_text(sc_json_member(root, "delta"), ""));
        bool last = sc_json_member(root, "usage") != NULL;
        assert_true(last == (rest.len == 0));
        if (last)
            sc_buf_puts(text, sc_json_get_text(sc_json_member(root, "text"), "?"));
    }
}

static void a_stream_is_the_same_however_much_was_told_before_the_end(void **state)
{
    (void)state;
    static const char *const speakers[] = { "2", "1", NULL, "2" };
    SC_AUTO_SEGMENTS segments = { 0 };
    add(&segments, "good", 0, 900);
    add(&segments, "morning", 1000, 1900);
    (void)sc_segments_add(&segments);
    add(&segments, "\u4f1a\u8b70", 2000, 2900);
    add(&segments, "\u3067\u3059", 3000, 3905);
    for (size_t i = 0; i < SC_ARRAY_LEN(speakers); i++)
        segments.items[i].speaker = speakers[i] == NULL ? NULL : sc_strdup(speakers[i]);
    static const enum sc_openai_format formats[] = { SC_OPENAI_JSON, SC_OPENAI_TEXT,
                                                     SC_OPENAI_DIARIZED_JSON };
    for (size_t f = 0; f < SC_ARRAY_LEN(formats); f++) {
        SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { .format = formats[f] };
        SC_AUTO_BUF at_once = { 0 };
        form.logprobs = f == 0;
        stream(&form, &segments, 0, &at_once);
        for (size_t told = 1; told <= segments.count; told++) {
            SC_AUTO_BUF events = { 0 };
            stream(&form, &segments, told, &events);
            assert_string_equal(sc_buf_text(&events), sc_buf_text(&at_once));
        }
        SC_AUTO_BUF deltas = { 0 };
        SC_AUTO_BUF text = { 0 };
        join(&at_once, &deltas, &text);
        assert_string_equal(sc_buf_text(&text), "good morning \u4f1a\u8b70\u3067\u3059");
        bool speaks = formats[f] == SC_OPENAI_DIARIZED_JSON;
        assert_string_equal(sc_buf_text(&deltas), speaks ? "" : sc_buf_text(&text));
        assert_true(speaks == (strstr(sc_buf_text(&at_once), "\"speaker\":\"B\"") != NULL));
        assert_true(form.logprobs == (strstr(sc_buf_text(&at_once), "\"logprobs\"") != NULL));
    }
}

static void errors_are_told_in_openais_words(void **state)
{
    (void)state;
    static const struct {
        enum sc_code code;
        int status;
        const char *text;
    } rows[] = {
        { SC_E_RATE_LIMITED, 429,
          "\"type\":\"requests\",\"param\":null,\"code\":\"rate_limit_exceeded\"" },
        { SC_E_AUDIO_TOO_SHORT, 400, "\"param\":\"file\",\"code\":\"audio_too_short\"" },
        { SC_E_FILE_FORMAT, 400, "\"param\":null,\"code\":null" },
        { SC_E_FILE_TOO_LARGE, 413, "Maximum content size limit (5) exceeded (6 bytes read)" },
        { SC_E_UNAUTHENTICATED, 401, "invalid_api_key" },
        { SC_E_MODEL_ERROR, 404, "\"param\":\"model\",\"code\":\"model_not_found\"" },
        { SC_E_CANCELLED, 400, "\"cancelled\"" },
        { SC_E_NO_SPACE, 507, "\"type\":\"server_error\"" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        struct sc_error err = { .code = rows[i].code };
        (void)sc_error_field(&err, rows[i].code, i == 1 ? "file" : "", "a sentence");
        const struct sc_openai_refusal refusal = { &err, "GET", "/v1/x", 5, 6 };
        assert_int_equal(sc_openai_error_view(&refusal, &out), rows[i].status);
        if (strstr(sc_buf_text(&out), rows[i].text) == NULL)
            fail_msg("%s", sc_buf_text(&out));
    }
}

static void errors_have_four_keys_and_no_409(void **state)
{
    (void)state;
    for (int code = SC_OK + 1; code < SC_CODE_COUNT_; code++) {
        SC_AUTO_BUF out = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_error err = { .code = (enum sc_code)code };
        const struct sc_openai_refusal refusal = { &err, "GET", "/v1/x", 5, 6 };
        int status = sc_openai_error_view(&refusal, &out);
        assert_in_range(status, 400, 599);
        assert_int_not_equal(status, 409);
        assert_int_equal(sc_json_parse(sc_buf_str(&out), &doc, NULL), SC_OK);
        const struct sc_json_value *error = sc_json_member(sc_json_root(doc), "error");
        assert_int_equal(sc_json_count(error), 4);
        assert_true(sc_json_get_text(sc_json_member(error, "message"), "")[0] != '\0');
        const char *type = sc_json_get_text(sc_json_member(error, "type"), "");
        assert_true(strcmp(type, "server_error") == 0 || status < 500);
        assert_non_null(sc_json_member(error, "param"));
        assert_non_null(sc_json_member(error, "code"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_have_many_spellings),
        TEST(a_form_keeps_what_it_was_given),
        TEST(wrong_values_are_refused_by_name),
        TEST(what_does_not_go_together_is_refused),
        TEST(speakers_have_letters_by_their_first_words),
        TEST(speakers_are_named_by_the_spellings_of_lists),
        TEST(a_broken_list_is_refused_by_name),
        TEST(samples_of_voices_are_refused_where_they_would_count),
        TEST(models_are_aliases_or_engines),
        TEST(models_view_lists_what_can_run),
        TEST(models_view_begins_with_the_names_that_clients_know),
        TEST(texts_of_segments_join_to_the_text),
        TEST(a_stream_is_the_same_however_much_was_told_before_the_end),
        TEST(errors_are_told_in_openais_words),
        TEST(errors_have_four_keys_and_no_409),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
