#include "media/frames.h"

#include "base/buf.h"
#include "json/writer.h"

#include <endian.h>
#include <errno.h>
#include <sys/uio.h>

#include "base/banned.h"

enum sc_code frame_write(int fd, enum frame_type type, const void *payload, size_t len,
                         struct sc_error *err)
{
    uint32_t head[2] = { htole32((uint32_t)type), htole32((uint32_t)len) };
    struct iovec parts[2] = {
        { head, sizeof(head) },
        { (void *)(uintptr_t)payload, len },
    };
    size_t first = 0;
    while (first < SC_ARRAY_LEN(parts)) {
        ssize_t n = writev(fd, parts + first, (int)(SC_ARRAY_LEN(parts) - first));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot hand over the decoded audio");
        for (size_t left = (size_t)n; first < SC_ARRAY_LEN(parts);) {
            size_t taken = SC_MIN(left, parts[first].iov_len);
            parts[first].iov_base = (char *)parts[first].iov_base + taken;
            parts[first].iov_len -= taken;
            left -= taken;
            if (parts[first].iov_len > 0)
                break;
            first++;
        }
    }
    return SC_OK;
}

static enum sc_code write_json(int fd, enum frame_type type, const struct sc_buf *json,
                               struct sc_error *err)
{
    if (json->failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory left to describe the recording");
    return frame_write(fd, type, json->ptr, json->len, err);
}

enum sc_code frame_write_info(int fd, const struct sc_audio_info *info, struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "format", info->format);
    sc_json_text(&w, "codec", info->codec);
    sc_json_opt(&w, "duration_ms", info->duration_ms);
    sc_json_opt(&w, "estimated_ms", info->estimated_ms);
    sc_json_int(&w, "sample_rate", info->sample_rate);
    sc_json_int(&w, "channels", info->channels);
    sc_json_int(&w, "streams", info->streams);
    sc_json_int(&w, "track", info->track);
    sc_json_int(&w, "tracks", info->tracks);
    sc_json_opt(&w, "bit_rate", info->bit_rate);
    sc_json_object(&w, "tags");
    for (size_t i = 0; i < info->tag_count; i++)
        sc_json_text(&w, info->tags[i].key, info->tags[i].value);
    sc_json_end(&w);
    sc_json_int(&w, "start_ms", info->start_ms);
    sc_json_end(&w);
    return write_json(fd, FRAME_INFO, &out, err);
}

enum sc_code frame_write_done(int fd, const struct sc_audio_stats *stats, struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "samples", stats->samples);
    sc_json_int(&w, "decoded_ms", stats->decoded_ms);
    sc_json_object(&w, "errors");
    sc_json_int(&w, "packets", stats->packet_errors);
    sc_json_end(&w);
    sc_json_opt(&w, "first_error_ms", stats->first_error_ms);
    sc_json_array(&w, "lost");
    for (size_t i = 0; i < stats->lost_count; i++) {
        sc_json_object(&w, NULL);
        sc_json_int(&w, "start_ms", stats->lost[i].start_ms);
        sc_json_int(&w, "end_ms", stats->lost[i].end_ms);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_bool(&w, "truncated", stats->truncated);
    sc_json_bool(&w, "cancels", stats->cancels);
    sc_json_end(&w);
    return write_json(fd, FRAME_DONE, &out, err);
}

enum sc_code frame_write_fail(int fd, const struct sc_error *why, struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "code", sc_code_name(why->code));
    sc_json_text(&w, "message", why->msg);
    sc_json_end(&w);
    return write_json(fd, FRAME_FAIL, &out, err);
}
