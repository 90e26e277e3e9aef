/* Makes a store as an earlier Scripta left it: old-store PATH VERSION JOBS. The first VERSION
 * migrations are applied, and JOBS jobs with a file each are in it. */
#include "store/store-internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

/* Columns of the first schema, which later ones keep. */
static const char fill[] =
    "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format,"
    "                   codec, duration_ms, sample_rate, channels, uploaded_ms)"
    "  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
    "  SELECT i, 1, printf('%%064x', i), 'a.wav', 'audio/uploads/a.wav', 100, 'wav', 'pcm', 1000,"
    "         16000, 1, 1000 FROM n;"
    "INSERT INTO uploads (file_id, owner_id, name, source, created_ms)"
    "  SELECT id, 1, 'a.wav', 'http', 1000 FROM files;"
    "INSERT INTO jobs (job_id, owner_id, file_id, pipeline, engine, class, state, admission,"
    "                  created_ms, completed_ms, updated_ms, duration_ms, processing_ms)"
    "  SELECT printf('00000000-0000-7000-8000-%%012x', id), 1, id, 'transcribe', 'null', 1, 2, 3,"
    "         1000, 2000, 2000, 1000, 10 FROM files;";

static enum sc_code make(const char *path, size_t version, int jobs, struct sc_error *err)
{
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    char sql[2000];
    (void)snprintf(sql, sizeof(sql), fill, jobs);
    enum sc_code code = sc_conn_open(path, SC_CONN_WRITER, true, 1000, &conn, err);
    if (code == SC_OK)
        code = sc_migrate(conn, path, sc_migrations, version, err);
    if (code == SC_OK)
        code = sc_conn_exec(conn, sql, err);
    if (code == SC_OK)
        code = sc_conn_exec(conn, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    return code;
}

int main(int argc, char **argv)
{
    struct sc_error err = { 0 };
    if (argc != 4)
        return EXIT_FAILURE;
    long version = strtol(argv[2], NULL, 10), jobs = strtol(argv[3], NULL, 10);
    if (version < 1 || version > (long)sc_migration_count || jobs < 1 || jobs > 1000000)
        return EXIT_FAILURE;
    if (make(argv[1], (size_t)version, (int)jobs, &err) == SC_OK)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "old-store: %s\n", err.msg);
    return EXIT_FAILURE;
}
