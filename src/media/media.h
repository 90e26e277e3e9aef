#pragma once
/* The commands of scripta-media. Each returns the exit code of the process. */

#include "base/error.h"
#include "config/config.h"

int media_decode(int argc, char **argv);
int media_devices(int argc, char **argv);
int media_engines(int argc, char **argv);
int media_worker(int argc, char **argv);
/* Enters the jail and tries one thing that it must stop: for tests. */
int media_jail_test(int argc, char **argv);

/* Says on standard error what is wrong with the command line; returns the exit code. */
int media_usage(const char *command, const char *what);
/* Says an error on standard error; returns its exit code. */
int media_fail(const struct sc_error *err);
/* The settings of the engines: what the server writes to this descriptor, which is closed; fd < 0:
 * from the settings file and the environment, as scripta has them. The caller's. */
SC_MUST_USE enum sc_code media_settings(int fd, struct sc_config **out, struct sc_error *err);
/* The value of an option that takes a number from min to max, or false. */
bool media_number(const char *text, int64_t min, int64_t max, int64_t *out);
