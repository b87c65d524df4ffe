/* version: what `towline --version` says. */
#ifndef TOW_PROGRAM_VERSION_H
#define TOW_PROGRAM_VERSION_H

#include "base/buffer.h"

/* Errors: MEMORY. */
int tow_version_write(tow_buffer *out);

#endif
