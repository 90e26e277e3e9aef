#pragma once
/* The check of everything that is stored: the database, each transcript, version and chunk against
 * its checksum, each recording against its file, bytes that no row names. It goes in slices, so
 * that a server can be asked for one after another and whoever asks sees how far it is; nothing is
 * kept between them. With `repair` it restores what can be restored exactly: a repaired row matches
 * the checksum that it was given when it was written, or it is left as it is. With `accept` that
 * which stays damaged is given the checksum of what there is, and is served again. Both are told in
 * the history. */

#include "base/enum.h"
#include "base/id.h"
#include "blob/blob.h"
#include "store/store.h"

enum sc_fsck_phase {
    SC_FSCK_STORE,       /* pages, indexes, references; one slice */
    SC_FSCK_TRANSCRIPTS, /* segments, versions */
    SC_FSCK_CHUNKS,      /* texts of chunks */
    SC_FSCK_INDEX,       /* the text index against the texts; with `repair` or `alone` only */
    SC_FSCK_FILES,       /* are the bytes there; with `audio`, are they those of their hash */
    SC_FSCK_BYTES,       /* recordings that no row names; one slice */
    SC_FSCK_PHASE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_fsck_phase);

enum sc_fsck_kind {
    SC_FSCK_DATABASE,
    SC_FSCK_SEGMENT,
    SC_FSCK_VERSION,
    SC_FSCK_TRANSCRIPT,
    SC_FSCK_CHUNK,
    SC_FSCK_FILE,
    SC_FSCK_ORPHAN, /* harmless: bytes to spare, nothing is lost */
    SC_FSCK_KIND_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_fsck_kind);

struct sc_fsck_problem {
    enum sc_fsck_kind kind;
    char job_id[SC_UUID_TEXT];                  /* "": of none, or not known */
    int64_t transcript_id, segment_id, file_id; /* 0: none */
    int version, chunk;                         /* 0 and -1: none */
    bool placed;                                /* in time: the next two are told */
    int64_t start_ms, end_ms;
    const char *words;  /* as they stand now, or that are missing; NULL: not told */
    const char *source; /* what it is, or can be, restored from; NULL: nothing */
    const char *message, *remedy;
    bool repairable; /* `repair` would, or did, restore it */
    bool repaired;
    bool accepted; /* what is there now counts from here on */
};
/* Texts of the problem are borrowed for the call. */
typedef void (*sc_fsck_fn)(void *ctx, const struct sc_fsck_problem *problem);

struct sc_fsck_options {
    struct sc_store *store;
    struct sc_blobs *blobs;
    const char *root; /* the data folder */
    bool audio;       /* read every recording */
    bool repair;      /* else only `damage` of altered files is noted */
    bool accept;      /* with repair: what cannot be restored counts as it is */
    int64_t by;       /* who asks, in the history; 0: SC_LOCAL_OWNER */
    int64_t reader;   /* whose words are told; 0: everybody's */
    bool alone;       /* no server waits for writes meanwhile */
    int64_t slice_ms; /* a slice ends when so much has passed, behind the thing at hand, or behind
                         a version of it */
};
struct sc_fsck_place {
    enum sc_fsck_phase phase;
    int64_t after;  /* the last id that was looked at */
    int64_t within; /* of a transcript: the last version that was; 0: all of it */
};
#define SC_FSCK_PLACE_TEXT 64
struct sc_fsck_slice {
    struct sc_fsck_place next;
    bool done;       /* there is no next one */
    int64_t checked; /* transcripts, chunks, files or blobs of this slice */
    double percent;  /* of the phase at hand, behind this slice */
};

/* The slice behind `from`; {0} is the start. Problems are no failure: they go to fn. *out is set on
 * SC_OK. */
SC_MUST_USE enum sc_code sc_fsck_step(const struct sc_fsck_options *options,
                                      const struct sc_fsck_place *from, struct sc_fsck_slice *out,
                                      sc_fsck_fn fn, void *ctx, struct sc_error *err);
struct sc_json; /* json/writer.h */
/* A problem as an object of JSON, in answers of the API and of the command. */
void sc_fsck_problem_view(struct sc_json *w, const struct sc_fsck_problem *problem);
/* "transcripts:123", or within it "transcripts:123:45", and back; false: it is none. */
void sc_fsck_place_format(const struct sc_fsck_place *place, char out[SC_FSCK_PLACE_TEXT]);
bool sc_fsck_place_parse(struct sc_str text, struct sc_fsck_place *out);
