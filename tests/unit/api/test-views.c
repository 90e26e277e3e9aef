/* The JSON of the API, word for word. */

#include "api/system-view.h"
#include "api/views.h"

#include "base/alloc.h"
#include "testing.h"

#include "base/banned.h"

#define T0 INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

static void assert_json(struct sc_buf *out, const char *expected)
{
    assert_false(out->failed);
    assert_string_equal(sc_buf_text(out), expected);
}

static void a_fresh_job_is_mostly_null(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_job job = {
        .id = 5,
        .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11",
        .pipeline = "noop",
        .task = "transcribe",
        .class = SC_CLASS_NORMAL,
        .stage = -1,
        .error_stage = -1,
        .error_chunk = -1,
        .duration_ms = -1,
        .created_ms = T0,
        .updated_ms = T0 + 1,
    };
    struct sc_job_outlook look = { -1, 0, 0 };
    sc_json_begin(&w, &out);
    sc_job_view(&w, NULL, &job, &look);
    assert_json(
        &out, "{\"job_id\":\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11\",\"file_id\":null,"
              "\"campaign_id\":null,\"file_name\":null,\"name\":null,\"pipeline\":\"noop\","
              "\"engine\":null,"
              "\"engine_version\":null,\"model\":null,\"task\":\"transcribe\",\"language\":null,"
              "\"detected_language\":null,\"compute_type\":null,\"device\":null,\"priority\":"
              "\"normal\",\"priority_order\":0,\"timeout_seconds\":null,\"tags\":[],\"notes\":null,"
              "\"settings\":{},\"status\":\"pending\",\"stage\":null,\"progress\":0,"
              "\"eta_seconds\":null,\"queue_position\":0,\"chunks_total\":0,"
              "\"chunks_completed\":0,\"retry_count\":0,\"dead_letter\":false,"
              "\"duration_seconds\":null,\"processing_time\":null,\"error_code\":null,"
              "\"error_message\":null,\"error_stage\":null,\"error_chunk\":null,\"warnings\":[],"
              "\"worker_id\":null,\"input_file_path\":null,\"chunks_dir_path\":null,"
              "\"converted_chunks_dir_path\":null,\"output_file_path\":null,"
              "\"transcript_id\":null,\"created_at\":\"2023-11-14T22:13:20.000Z\","
              "\"started_at\":null,\"completed_at\":null,"
              "\"updated_at\":\"2023-11-14T22:13:20.001Z\","
              "\"archived_at\":null,\"run_after\":null}");
}

static struct sc_job failed_job(void)
{
    return (struct sc_job){
        .id = 6,
        .file_id = 3,
        .transcript_id = 8,
        .worker_id = 4,
        .input_file_path = "audio/uploads/a.wav",
        .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12",
        .pipeline = "transcribe",
        .engine = "null",
        .engine_version = "1",
        .model = "delay_ms=1",
        .task = "transcribe",
        .language = "en",
        .detected_language = "en",
        .file_name = "a\"b\n$(x).wav",
        .name = "memo",
        .class = SC_CLASS_HIGH,
        .priority = -2,
        .state = SC_JOB_FAILED,
        .stage = SC_STAGE_TRANSCRIBE,
        .dead_letter = true,
        .chunks_total = 4,
        .chunks_completed = 1,
        .retry_count = 1,
        .error_chunk = 2,
        .error_stage = SC_STAGE_TRANSCRIBE,
        .duration_ms = 61500,
        .processing_ms = 2345,
        .error_code = SC_E_ENGINE_ERROR,
        .error_message = "out of breath",
        .created_ms = T0,
        .started_ms = T0 + 1000,
        .completed_ms = T0 + 3345,
        .updated_ms = T0 + 3345,
        .run_after_ms = T0,
    };
}

static void a_failed_job_says_where_and_why(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    SC_AUTO_FREE char *settings = sc_strdup("{\"vad\":true}");
    struct sc_job job = failed_job();
    struct sc_job_outlook look = { 1500, 1001, 23 };
    job.settings = settings;
    sc_json_begin(&w, &out);
    sc_job_view(&w, NULL, &job, &look);
    const char *text = sc_buf_text(&out);
    static const char *const parts[] = {
        "\"file_id\":3,\"campaign_id\":null,\"file_name\":\"a\\\"b\\n$(x).wav\",\"name\":\"memo\"",
        "\"engine\":\"null\",\"engine_version\":\"1\",\"model\":\"delay_ms=1\"",
        "\"priority\":\"high\",\"priority_order\":-2,\"timeout_seconds\":null,\"tags\":[],"
        "\"notes\":null,\"settings\":{\"vad\":true},"
        "\"status\":\"failed\",\"stage\":\"transcribe\"",
        "\"eta_seconds\":1.500,\"queue_position\":\"1000+\",\"chunks_total\":4,"
        "\"chunks_completed\":1,\"retry_count\":1,\"dead_letter\":true,"
        "\"duration_seconds\":61.500,\"processing_time\":2.345,\"error_code\":\"ENGINE_ERROR\","
        "\"error_message\":\"out of breath\",\"error_stage\":\"transcribe\",\"error_chunk\":2",
        ("\"worker_id\":4,\"input_file_path\":\"audio/uploads/a.wav\","
         "\"chunks_dir_path\":\"work/0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12/chunks\""),
        "\"output_file_path\":null,\"transcript_id\":8",
        "\"run_after\":\"2023-11-14T22:13:20.000Z\"}",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(parts); i++) {
        if (strstr(text, parts[i]) == NULL)
            fail_msg("'%s' is not in '%s'", parts[i], text);
    }
}

static void a_file_has_the_names_of_its_columns(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    SC_AUTO_FREE char *tags = sc_strdup("{\"title\":\"x\"}");
    SC_AUTO_FREE char *notes = sc_strdup("");
    SC_AUTO_FREE char *words = sc_strdup("[\"a\"]");
    struct sc_file file = {
        .id = 3,
        .file_hash = "ab",
        .original_name = "memo.mp3",
        .file_path = "audio/uploads/2023/11/ab.mp3",
        .format = "mp3",
        .codec = "mp3float",
        .size_bytes = 1234,
        .duration_ms = 24700,
        .sample_rate = 44100,
        .channels = 2,
        .bit_rate = -1,
        .metadata = tags,
        .marks = { .notes = notes, .tags = words },
        .uploaded_ms = T0,
    };
    sc_json_begin(&w, &out);
    sc_file_view(&w, NULL, &file);
    assert_json(&out,
                "{\"id\":3,\"file_hash\":\"ab\",\"original_name\":\"memo.mp3\","
                "\"file_path\":\"audio/uploads/2023/11/ab.mp3\",\"size_bytes\":1234,"
                "\"format\":\"mp3\",\"codec\":\"mp3float\",\"duration_seconds\":24.700,"
                "\"sample_rate\":44100,\"channels\":2,\"bit_rate\":null,"
                "\"metadata\":{\"title\":\"x\"},\"tags\":[\"a\"],\"notes\":null,"
                "\"uploaded_at\":\"2023-11-14T22:13:20.000Z\","
                "\"archived_at\":null,\"purged_at\":null,\"verified_at\":null,\"damage\":null,"
                "\"upload_count\":0}");
}

static struct sc_transcript partial(void)
{
    static char notes[] = "n", tags[] = "[\"t\"]";
    static const struct sc_marks marks = { .notes = notes, .tags = tags };
    return (struct sc_transcript){
        .id = 8,
        .file_id = 3,
        .file_name = "talk.wav",
        .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12",
        .language = "en",
        .segment_count = 1,
        .word_count = 2,
        .duration_ms = -1,
        .confidence = -1,
        .created_ms = T0,
        .updated_ms = T0,
        .marks = &marks,
    };
}

#define HEAD                                                                       \
    "{\"id\":8,\"job_id\":\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12\",\"file_id\":3," \
    "\"file_name\":\"talk.wav\",\"status\":\"partial\",\"language\":\"en\","       \
    "\"version\":0,\"segment_count\":1,"                                           \
    "\"word_count\":2,\"confidence_score\":null,\"duration_seconds\":null,"        \
    "\"srt_path\":null,\"cloud_url\":null,\"tags\":[\"t\"],\"notes\":\"n\","       \
    "\"created_at\":\"2023-11-14T22:13:20.000Z\",\"updated_at\":\"2023-11-14T22:13:20.000Z\""

static void a_row_of_a_list_has_no_text(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_transcript t = partial();
    sc_json_begin(&w, &out);
    sc_transcript_view(&w, NULL, &t, 0, NULL);
    assert_json(&out, HEAD "}");
}

static void a_transcript_has_segments_and_words(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_SEGMENTS segments = { 0 };
    struct sc_json w;
    struct sc_transcript t = partial();
    struct sc_segment *s = sc_segments_add(&segments);
    s->id = 4;
    assert_true(sc_segment_add_word(s, SC_STR("t0"), 0, 1000, 0.5f));
    assert_true(sc_segment_add_word(s, SC_STR("t1"), 1000, 1980, -1));
    sc_segment_settle(s);
    sc_json_begin(&w, &out);
    sc_transcript_view(&w, NULL, &t, 0, &segments);
    assert_json(&out,
                HEAD ",\"text\":\"t0 t1\",\"segments\":[{\"id\":4,\"start\":0.000,\"end\":1.980,"
                     "\"text\":\"t0 t1\",\"confidence\":0.5000,\"speaker\":null,\"words\":["
                     "{\"word\":\"t0\",\"start\":0.000,\"end\":1.000,\"confidence\":0.5000},"
                     "{\"word\":\"t1\",\"start\":1.000,\"end\":1.980,\"confidence\":null}]}]}");
}

static void an_event_is_one_block_of_a_stream(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_event event = {
        .id = 17,
        .kind = SC_EVENT_TASK_FAILED,
        .job = 6,
        .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12",
        .at_ms = T0,
        .state = SC_JOB_PROCESSING,
        .stage = SC_STAGE_TRANSCRIBE,
        .chunk = 2,
        .attempt = 1,
        .epoch = 3,
        .duration_ms = -1,
        .progress = 40,
        .code = SC_E_ENGINE_ERROR,
        .worker = "w1",
        .message = "one\ntwo",
    };
    sc_event_sse(&out, &event, NULL);
    assert_json(&out, "event: task_failed\nid: e11\ndata: {\"id\":\"e11\",\"type\":\"task_failed\","
                      "\"job_id\":\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12\","
                      "\"at\":\"2023-11-14T22:13:20.000Z\",\"status\":\"processing\","
                      "\"stage\":\"transcribe\",\"chunk\":2,\"attempt\":1,\"epoch\":3,"
                      "\"worker\":\"w1\",\"duration_ms\":null,\"progress\":40,"
                      "\"transcript_id\":null,\"code\":\"ENGINE_ERROR\","
                      "\"message\":\"one\\ntwo\"}\n\n");
}

static void a_worker_learns_what_to_do(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_chunk_work work = {
        .task = { .id = 9,
                  .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12",
                  .epoch = 3,
                  .stage = SC_STAGE_TRANSCRIBE,
                  .chunk = 2,
                  .failures = 1,
                  .interruptions = 2 },
        .order = { .engine = "null",
                   .model = "delay_ms=1",
                   .language = "en",
                   .task = "transcribe" },
        .start_samples = 480000,
        .end_samples = 960000,
        .samples = 320000,
    };
    sc_json_begin(&w, &out);
    sc_work_view(&w, NULL, &work);
    assert_json(
        &out,
        "{\"task_id\":9,\"epoch\":3,"
        "\"job_id\":\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d12\","
        "\"stage\":\"transcribe\",\"chunk_index\":2,\"engine\":\"null\","
        "\"model\":\"delay_ms=1\",\"model_hash\":\"\",\"language\":\"en\",\"task\":\"transcribe\","
        "\"settings\":{},\"start_ms\":30000,\"end_ms\":60000,\"samples\":320000,"
        "\"attempt\":4,\"timeout_ms\":0}");
}

static void answers_to_workers_are_short(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    static const struct sc_held held[] = { { 1, 2, SC_BEAT_OK },
                                           { 3, 4, SC_BEAT_LOST },
                                           { 5, 6, SC_BEAT_CANCELLED } };
    sc_heartbeat_view(&out, held, 3);
    assert_json(&out, "{\"tasks\":[{\"task_id\":1,\"epoch\":2,\"answer\":\"ok\"},"
                      "{\"task_id\":3,\"epoch\":4,\"answer\":\"lost\"},"
                      "{\"task_id\":5,\"epoch\":6,\"answer\":\"cancelled\"}]}");
    sc_buf_reset(&out);
    sc_registration_view(&out, 7, 30000, 10000);
    assert_json(&out, "{\"worker_id\":7,\"lease_ms\":30000,\"heartbeat_ms\":10000}");
    sc_buf_reset(&out);
    sc_completion_view(&out, true, NULL);
    assert_json(&out, "{\"status\":\"repeated\"}");
    sc_buf_reset(&out);
    const struct sc_claimed nothing = { .count = 0 };
    sc_completion_view(&out, false, &nothing);
    assert_json(&out, "{\"status\":\"accepted\",\"tasks\":[],\"as_of\":0}");
}

static void current_jobs_of_others_are_not_told(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_worker_row rows[2] = {
        { .worker = { .id = 1, .name = "w1", .host = "h", .job_id = "mine" },
          .class = SC_CLASS_LOW,
          .visible = true },
        { .worker = { .id = 2, .name = "w2", .host = "h", .job_id = "theirs" },
          .class = SC_CLASS_LOW },
    };
    struct sc_queue_picture picture = { .workers = rows, .worker_count = 2 };
    picture.stats.class[SC_CLASS_LOW].pending = 2;
    picture.stats.class[SC_CLASS_LOW].oldest_age_ms = 1500;
    picture.stats.class[SC_CLASS_HIGH].running = 1;
    picture.hour = (struct sc_throughput){ 5, 1, 61500 };
    sc_json_begin(&w, &out);
    sc_queue_view(&w, &picture);
    const char *text = sc_buf_text(&out);
    assert_non_null(strstr(text, "{\"name\":\"low\",\"paused\":false,\"pending\":2,\"running\":0,"
                                 "\"failed\":0,\"workers\":2,\"oldest_age_seconds\":1.500,"
                                 "\"max_concurrent\":0}"));
    assert_non_null(strstr(text, "\"totals\":{\"queued\":2,\"active\":1,"));
    assert_non_null(strstr(text, "\"hour\":{\"jobs\":5,\"failed\":1,\"audio_seconds\":61.500}"));
    assert_non_null(strstr(text, "\"current_job\":\"mine\""));
    assert_null(strstr(text, "theirs"));
}

#define CHECK_OK(name) "{\"name\":\"" name "\",\"status\":\"ok\"}"

static void a_server_that_cannot_work_says_every_reason(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_health health = { .stopping = true };
    health.checks[SC_CHECK_STORE].status = SC_CHECK_FAILED;
    (void)sc_error_set(&health.checks[SC_CHECK_STORE].why, SC_E_STORE_READ_ONLY,
                       "the disk is read-only");
    sc_json_begin(&w, &out);
    sc_ready_view(&w, &health, "id-1");
    assert_json(&out, "{\"status\":\"not_ready\",\"checks\":[{\"name\":\"store\",\"status\":"
                      "\"failed\",\"code\":\"STORE_READ_ONLY\",\"message\":\"the disk is "
                      "read-only\"}," CHECK_OK("disk") "," CHECK_OK("workers") "," CHECK_OK(
                          "decoder") "],\"reasons\":[{\"code\":\"SHUTTING_DOWN\","
                                     "\"message\":\"the server is stopping\"},{\"code\":"
                                     "\"STORE_READ_ONLY\",\"message\":\"the disk is "
                                     "read-only\"}],\"error\":{\"code\":\"SHUTTING_DOWN\","
                                     "\"message\":\"the server is stopping\","
                                     "\"request_id\":\"id-1\"}}");
}

static void a_warning_and_what_was_not_tried_refuse_no_work(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    struct sc_health health = { .workers = -1, .uptime_ms = 1234 };
    health.checks[SC_CHECK_DECODER].status = SC_CHECK_UNKNOWN;
    sc_json_begin(&w, &out);
    sc_health_view(&w, &health);
    assert_json(&out, "{\"status\":\"ok\",\"version\":\"" SC_VERSION
                      "\",\"store\":\"ok\",\"workers\":null,\"uptime_seconds\":1.234,"
                      "\"checks\":[" CHECK_OK("store") "," CHECK_OK("disk") "," CHECK_OK(
                          "workers") ",{\"name\":\"decoder\",\"status\":\"unknown\"}]}");
    sc_buf_reset(&out);
    health.checks[SC_CHECK_WORKERS].status = SC_CHECK_WARNING;
    (void)sc_error_set(&health.checks[SC_CHECK_WORKERS].why, SC_E_ENGINE_UNAVAILABLE, "none");
    assert_true(sc_health_is_ready(&health));
    sc_json_begin(&w, &out);
    sc_health_view(&w, &health);
    assert_non_null(strstr(sc_buf_text(&out), "\"status\":\"degraded\""));
    sc_buf_reset(&out);
    sc_json_begin(&w, &out);
    sc_ready_view(&w, &health, "id-2");
    assert_non_null(strstr(sc_buf_text(&out), "{\"status\":\"ready\","));
    assert_non_null(strstr(sc_buf_text(&out), "\"reasons\":[]}"));
    health.checks[SC_CHECK_DECODER].status = SC_CHECK_FAILED;
    assert_false(sc_health_is_ready(&health));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fresh_job_is_mostly_null),
        TEST(a_failed_job_says_where_and_why),
        TEST(a_file_has_the_names_of_its_columns),
        TEST(a_row_of_a_list_has_no_text),
        TEST(a_transcript_has_segments_and_words),
        TEST(an_event_is_one_block_of_a_stream),
        TEST(a_worker_learns_what_to_do),
        TEST(answers_to_workers_are_short),
        TEST(current_jobs_of_others_are_not_told),
        TEST(a_server_that_cannot_work_says_every_reason),
        TEST(a_warning_and_what_was_not_tried_refuse_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
