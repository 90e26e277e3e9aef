/* A job's settings of sound, and what is told of sound that was lost. */

#include "pipeline/decoder.h"

#include "vad/chain.h"
#include "json/reader.h"

#include "base/banned.h"

void sc_sound_read(const char *settings, struct sc_sound *out)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *root = NULL;
    if (settings != NULL && sc_json_parse(sc_str_from(settings), &doc, NULL) == SC_OK)
        root = sc_json_root(doc);
    bool sequential = sc_json_get_bool(sc_json_member(root, "sequential"), false);
    *out = (struct sc_sound){
        .sequential = sequential,
        .vad = !sequential && sc_json_get_bool(sc_json_member(root, "vad"), true),
        .drop_music = !sequential &&
                      strcmp(sc_json_get_text(sc_json_member(root, "music"), "keep"), "drop") == 0,
        .one_language =
            !sequential && !sc_json_get_bool(sc_json_member(root, "multilingual"), true),
        .chunk_s = (int)(sc_json_get_int(sc_json_member(root, "chunk_length"), 0) / 1000),
        .threshold_db = (int)sc_json_get_int(sc_json_member(root, "vad_threshold"), 6),
        .min_silence_ms = (int)sc_json_get_int(sc_json_member(root, "vad_min_silence"), 300),
        .hangover_ms = (int)sc_json_get_int(sc_json_member(root, "vad_padding"), 300),
        .no_speech = sc_json_get_real(sc_json_member(root, "no_speech_threshold"), 1),
    };
    (void)snprintf(out->channels, sizeof(out->channels), "%s",
                   sc_json_get_text(sc_json_member(root, "channels"), "mix"));
}

bool sc_sound_is_split(const struct sc_sound *sound)
{
    return strcmp(sound->channels, "split") == 0;
}

int sc_sound_channel(const struct sc_sound *sound, int stream)
{
    char c = sound->channels[0];
    if (sc_sound_is_split(sound))
        return stream;
    return c >= '1' && c <= '8' ? c - '1' : -1;
}

/* Each stream has a chunk in memory: of several, so many seconds together unless somebody asks for
 * longer ones. 40 MB. */
#define ALL_STREAMS_S 1200

int sc_sound_chunk_s(const struct sc_sound *sound, int engine_s, int streams)
{
    if (sound->chunk_s > 0)
        return SC_MIN(sound->chunk_s, engine_s);
    return streams > 1 ? SC_MIN(engine_s, ALL_STREAMS_S / streams) : engine_s;
}

/* Of several channels, so many seconds together. */
#define ALL_PARTS_S 3600

int sc_sound_part_s(const struct sc_sound *sound, int streams)
{
    int part_s = sound->chunk_s > 0 ? sound->chunk_s : SC_CHAIN_PART_S;
    return SC_MIN(part_s, streams > 1 ? ALL_PARTS_S / streams : SC_CHAIN_PART_MAX_S);
}

int sc_sound_aim_s(const struct sc_sound *sound, int engine_s)
{
    return sound->vad && sound->chunk_s == 0 ? engine_s : 0;
}

int sc_sound_pack_s(const struct sc_sound *sound, int window_s)
{
    return sound->vad && sound->chunk_s == 0 ? window_s : 0;
}

/* "1:02:03.4": as people say where something is. */
static void put_clock(struct sc_buf *out, int64_t ms)
{
    int64_t tenths = ms / 100;
    if (ms >= 3600000)
        sc_buf_printf(out, "%lld:%02d:", (long long)(ms / 3600000), (int)(ms / 60000 % 60));
    else
        sc_buf_printf(out, "%d:", (int)(ms / 60000));
    sc_buf_printf(out, "%02d.%d", (int)(tenths / 10 % 60), (int)(tenths % 10));
}

struct warning {
    const char *code;
    const char *before, *after; /* of the sentence, around where it was */
    int64_t start_ms, end_ms;   /* end -1: that of the recording */
};

static void put_warning(struct sc_json *w, const struct warning *warning)
{
    SC_AUTO_BUF text = { 0 };
    sc_buf_puts(&text, warning->before);
    put_clock(&text, warning->start_ms);
    if (warning->end_ms >= 0) {
        sc_buf_puts(&text, " to ");
        put_clock(&text, warning->end_ms);
    }
    sc_buf_puts(&text, warning->after);
    sc_json_object(w, NULL);
    sc_json_text(w, "code", warning->code);
    sc_json_text(w, "message", sc_buf_text(&text));
    sc_json_seconds(w, "start", warning->start_ms);
    sc_json_seconds(w, "end", warning->end_ms);
    sc_json_end(w);
}

void sc_sound_warnings_begin(struct sc_json *w, struct sc_buf *out)
{
    sc_json_begin(w, out);
    sc_json_array(w, NULL);
}

void sc_sound_warn_music(struct sc_json *w, int channel, const struct sc_cutter *cutter)
{
    char before[32] = "the sound ";
    size_t count = 0;
    const struct sc_music_span *spans = sc_cutter_music(cutter, &count);
    if (channel >= 0)
        (void)snprintf(before, sizeof(before), "channel %d, ", channel + 1);
    for (size_t i = 0; i < count; i++)
        put_warning(w, &(struct warning){ "MUSIC_DROPPED", before,
                                          " is music: nothing was recognised there; music=keep "
                                          "recognises it too",
                                          spans[i].start_ms, spans[i].end_ms });
}

void sc_sound_warnings_end(struct sc_json *w, const struct sc_pass_end *end)
{
    for (size_t i = 0; i < end->lost_count; i++)
        put_warning(w, &(struct warning){ "AUDIO_LOST", "the sound ",
                                          " could not be decoded: nothing was recognised there",
                                          end->lost[i].start_ms, end->lost[i].end_ms });
    if (end->truncated)
        put_warning(w, &(struct warning){ "AUDIO_TRUNCATED", "the recording breaks off at ",
                                          ": the rest of the file is missing or damaged",
                                          end->samples / 16, -1 });
    if (end->cancels)
        put_warning(w, &(struct warning){ "CHANNELS_CANCEL", "the two channels from ",
                                          " are each other's opposite and cancel out when they are "
                                          "mixed: channels=left hears one of them",
                                          0, end->samples / 16 });
    sc_json_end(w);
}

void sc_sound_warn_no_speech(struct sc_buf *out, const char *warnings, int64_t ms, int64_t start_ms,
                             int64_t end_ms)
{
    struct sc_str had = sc_str_from(warnings); /* "[]", or objects in brackets */
    struct sc_json w;
    char before[96];
    had = had.len > 2 ? (struct sc_str){ had.ptr + 1, had.len - 2 } : (struct sc_str){ 0 };
    (void)snprintf(before, sizeof(before),
                   "words for %.1f s are left out, as nobody seems to speak there: in the sound ",
                   (double)ms / 1000);
    sc_json_begin(&w, out);
    sc_json_array(&w, NULL);
    if (had.len > 0)
        sc_json_raw(&w, NULL, had);
    put_warning(&w,
                &(struct warning){ "NO_SPEECH", before, "; no_speech_threshold=1 keeps every word",
                                   start_ms, end_ms });
    sc_json_end(&w);
}
