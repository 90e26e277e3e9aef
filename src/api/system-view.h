#pragma once
/* Views of the server and its machine, as api/views.h has those of the rest. */

#include "base/enum.h"
#include "base/error.h"
#include "sys/machine.h"
#include "json/reader.h"
#include "json/writer.h"

enum sc_check_status {
    SC_CHECK_OK,
    SC_CHECK_WARNING, /* something is amiss, and work is accepted all the same */
    SC_CHECK_FAILED,
    SC_CHECK_UNKNOWN, /* not tried yet */
    SC_CHECK_STATUS_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_check_status);
enum sc_check {
    SC_CHECK_STORE,
    SC_CHECK_DISK,
    SC_CHECK_WORKERS,
    SC_CHECK_DECODER,
    SC_CHECK_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_check);

struct sc_health {
    bool stopping;
    struct {
        enum sc_check_status status;
        struct sc_error why; /* unless it is OK */
    } checks[SC_CHECK_COUNT_];
    int64_t workers; /* -1: unknown */
    int64_t uptime_ms;
};
void sc_health_view(struct sc_json *w, const struct sc_health *health);
/* Is work accepted? */
bool sc_health_is_ready(const struct sc_health *health);
/* {"status", "checks", "reasons": [{code, message}]} and, when there is a reason, the usual error.
 */
void sc_ready_view(struct sc_json *w, const struct sc_health *health, const char *request_id);
void sc_live_view(struct sc_buf *out);

#define SC_SYSTEM_DISKS 8
struct sc_system_disk {
    const char *name;                /* of the folder, below the data folder; static */
    int64_t total_bytes, free_bytes; /* -1: unknown */
};
struct sc_system {
    struct sc_machine machine;
    struct sc_usage usage; /* of the server */
    int64_t uptime_ms;
    struct sc_system_disk disks[SC_SYSTEM_DISKS];
    size_t disk_count;
    int worker_places;                            /* that this server may fill itself */
    int64_t workers, workers_busy, workers_local; /* that are alive */
    int64_t workers_bytes;                        /* memory of the local ones */
    int64_t workers_cpu_us; /* processor time of all that the server started */
};
void sc_system_fields(struct sc_json *w, const struct sc_system *system);
/* said: what scripta-media tells, NULL: nothing, because of `why`. */
void sc_devices_fields(struct sc_json *w, const struct sc_json_value *said, const char *why);
