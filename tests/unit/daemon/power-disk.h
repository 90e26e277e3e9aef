#pragma once
/* A disk whose plug can be pulled (G9). Every call by which this program, SQLite in it included,
 * changes files below a folder is done and written down; from that record any number of disks are
 * made as a loss of power could have left them at any moment:
 *
 *   what was not synced is there, or not, each write by itself, each sector of 512 bytes by itself;
 *   a name is on the disk when its folder was synced after it was made, else it is there or not.
 *
 * So a file that was synced in a folder that was not may be gone with its name, and a rename may be
 * there before the bytes that it names. fsync itself costs nothing here: the record is what counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on what happens below root is recorded; root is there and empty. */
void power_record(const char *root);
void power_stop(void);
/* How much has happened so far: a moment. Thread-safe. */
size_t power_now(void);

enum power_mode {
    POWER_DROP,   /* nothing that was not synced is there */
    POWER_KEEP,   /* everything is */
    POWER_PREFIX, /* of each file and folder what came first, its last write torn */
    POWER_SOME,   /* each write, each name by itself */
    POWER_TORN,   /* each sector, each name by itself */
    POWER_MODE_COUNT_
};
const char *power_mode_name(enum power_mode mode);

/* Replays the record; moments only go up. */
struct power_disk;
struct power_disk *power_disk_new(void);
void power_disk_free(struct power_disk *disk);
void power_disk_run(struct power_disk *disk, size_t moment);
/* Writes the disk as a loss of power would leave it now into the empty folder `to`. */
void power_disk_leave(struct power_disk *disk, enum power_mode mode, uint64_t seed, const char *to);
