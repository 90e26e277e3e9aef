#pragma once
/* What the files of the module share. */

#include "library/files.h"
#include "library/sum.h"
#include "library/transcripts.h"

/* Does it match the hash that its row was given, of this release or an older one? */
bool sc_content_is_sound(const struct sc_buf *content, size_t bare, const char *content_hash);
bool sc_segment_is_sound(const struct sc_segment *s, const char *content_hash);
/* Fills an empty segment from a row; false with *why when it is not what was written. */
bool sc_segment_from_row(struct sc_stmt *st, struct sc_segment *out, struct sc_error *why);
/* TRANSCRIPT_DAMAGED with the job, what is wrong and the remedy. */
enum sc_code sc_transcript_damaged(struct sc_conn *conn, int64_t transcript, const char *what,
                                   struct sc_error *err);
/* Moves a segment behind the others of a list, and leaves an empty one. False: no memory. */
bool sc_segments_take(struct sc_segments *list, struct sc_segment *one);
/* Reads the next row of a bound segment_list_* statement into an empty segment, and holds what it
 * says against its content hash, which sum (NULL: none) is fed: TRANSCRIPT_DAMAGED names the job,
 * the transcript and the segment. *row false: there are no more. */
SC_MUST_USE enum sc_code sc_segment_read(struct sc_stmt *st, int64_t transcript,
                                         struct sc_segment *out, struct sc_sum *sum, bool *row,
                                         struct sc_error *err);
/* The checksum that a version was given; VERSION_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_version_sum(struct sc_conn *conn, int64_t id, int version,
                                        struct sc_sum_stored *out, struct sc_error *err);
/* What a row of versions has of it. */
void sc_sum_from_row(struct sc_stmt *st, struct sc_sum_stored *out);
/* Binds what the rows of a segment say in every statement that writes one: :start_ms, :end_ms,
 * :text, :speaker, :confidence, :words and :heard (both packed; borrowed until st is done). */
void sc_segment_bind(struct sc_stmt *st, const struct sc_segment *s, struct sc_str words,
                     struct sc_str heard);
/* The row of what an engine makes, made when it is missing. */
SC_MUST_USE enum sc_code sc_origin_row(struct sc_conn *tx, const struct sc_origin *given,
                                       int64_t *id, struct sc_error *err);
/* Words of all segments. */
int64_t sc_segments_words(const struct sc_segments *s);
/* The first transcript behind an id, of any owner; TRANSCRIPT_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_transcript_next(struct sc_conn *conn, int64_t after,
                                            struct sc_transcript *out, struct sc_error *err);
/* Is the transcript still partial? TRANSCRIPT_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_transcript_partial(struct sc_conn *conn, int64_t id, bool *partial,
                                               struct sc_error *err);
/* How a transcript stood: another edit, repair or prune makes another state. NOT_FOUND. */
struct sc_transcript_state {
    int64_t version, staged, change;
    bool uncounted; /* its words are as an older release counted them (library/recount.h) */
};
SC_MUST_USE enum sc_code sc_transcript_read_state(struct sc_conn *conn, int64_t id,
                                                  struct sc_transcript_state *out,
                                                  struct sc_error *err);
/* Has no version, edit, prune or repair come between them? Counting anew is none of these. */
bool sc_transcript_same_state(const struct sc_transcript_state *a,
                              const struct sc_transcript_state *b);
/* *out then owns its metadata; its marks are not read. */
void sc_file_from_row(struct sc_stmt *st, struct sc_file *out);
/* Does any row, of whichever owner, name these bytes? */
SC_MUST_USE enum sc_code sc_file_hash_known(struct sc_conn *conn, const char *hash, bool *known,
                                            struct sc_error *err);
/* Adds to what sc_storage_used tells. */
SC_MUST_USE enum sc_code sc_storage_count(struct sc_conn *tx, int64_t bytes, struct sc_error *err);
