#pragma once
/* What the files of the module share. */

#include "blob/blob.h"

#include "base/hash.h"
#include "base/lock.h"

#include <pthread.h>

#define SC_BLOB_UPLOADS "audio/uploads"
#define SC_BLOB_ARCHIVE "audio/archive"
#define SC_BLOB_ARRIVING "audio/arriving"

struct sc_blob_hold {
    char sha256[SC_SHA256_TEXT];
    int shared;
    bool alone;
};

struct sc_blobs {
    char *root;

    pthread_mutex_t lock;
    /* Protected by lock: the folder below the root that is known to survive a power cut, with all
     * that lead to it. One is enough: arrivals come month by month. */
    char *durable_folder;
    pthread_cond_t released;
    struct sc_blob_hold *holds; /* of the hashes that somebody holds */
    size_t hold_count, hold_cap;
};

/* The folder part of a place; owned by the caller. */
char *sc_blob_folder_of(const char *place);
/* A place comes from a row: nothing in it may lead out of the root. */
SC_MUST_USE enum sc_code sc_blob_check_place(const char *place, struct sc_error *err);
/* The folder is there and will be after a power cut. */
SC_MUST_USE enum sc_code sc_blob_make_folder(struct sc_blobs *blobs, const char *folder,
                                             struct sc_error *err);
