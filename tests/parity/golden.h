#pragma once
/* Writes what the reference answers for the model and sound of model.h into the file that the unit
 * tests hold our engine against. False: it cannot. */

#include <stdbool.h>

bool golden_write(const char *path, const char *model);
