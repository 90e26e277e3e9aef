#include "library/text-index.h"

#include "base/banned.h"

/* The same change of the index of words and of that of their parts. */
struct both {
    enum sc_sql words, parts;
};

static enum sc_code chunk_in(struct sc_conn *tx, enum sc_sql id, int64_t transcript, int chunk,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, id);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    return sc_stmt_run(&st, err);
}

static enum sc_code on_chunk(struct sc_conn *tx, struct both both, int64_t transcript, int chunk,
                             struct sc_error *err)
{
    enum sc_code code = chunk_in(tx, both.words, transcript, chunk, err);
    return code == SC_OK ? chunk_in(tx, both.parts, transcript, chunk, err) : code;
}

static enum sc_code row_in(struct sc_conn *tx, enum sc_sql id, int64_t row, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, id);
    sc_stmt_bind_int(&st, ":id", row);
    return sc_stmt_run(&st, err);
}

static enum sc_code on_row(struct sc_conn *tx, struct both both, int64_t row, struct sc_error *err)
{
    enum sc_code code = row_in(tx, both.words, row, err);
    return code == SC_OK ? row_in(tx, both.parts, row, err) : code;
}

static enum sc_code next_in(struct sc_conn *tx, enum sc_sql id, int64_t transcript, int64_t limit,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, id);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":limit", limit);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_text_index_chunk(struct sc_conn *tx, int64_t transcript, int chunk,
                                 struct sc_error *err)
{
    return on_chunk(tx, (struct both){ SC_SQL_TEXT_INDEX_CHUNK, SC_SQL_PARTS_INDEX_CHUNK },
                    transcript, chunk, err);
}

enum sc_code sc_text_unindex_chunk(struct sc_conn *tx, int64_t transcript, int chunk,
                                   struct sc_error *err)
{
    return on_chunk(tx, (struct both){ SC_SQL_TEXT_UNINDEX_CHUNK, SC_SQL_PARTS_UNINDEX_CHUNK },
                    transcript, chunk, err);
}

enum sc_code sc_text_index_row(struct sc_conn *tx, int64_t row, struct sc_error *err)
{
    return on_row(tx, (struct both){ SC_SQL_TEXT_INDEX_ROW, SC_SQL_PARTS_INDEX_ROW }, row, err);
}

enum sc_code sc_text_unindex_row(struct sc_conn *tx, int64_t row, struct sc_error *err)
{
    return on_row(tx, (struct both){ SC_SQL_TEXT_UNINDEX_ROW, SC_SQL_PARTS_UNINDEX_ROW }, row, err);
}

enum sc_code sc_text_unindex_next(struct sc_conn *tx, int64_t transcript, int64_t limit,
                                  struct sc_error *err)
{
    enum sc_code code = next_in(tx, SC_SQL_TEXT_UNINDEX_NEXT, transcript, limit, err);
    return code == SC_OK ? next_in(tx, SC_SQL_PARTS_UNINDEX_NEXT, transcript, limit, err) : code;
}
