/* file_body: the bytes of an open file as the body of an answer. */
#ifndef TOW_HANDLER_FILE_BODY_H
#define TOW_HANDLER_FILE_BODY_H

#include "server/exchange.h"

#include <sys/stat.h>

/* Makes a source that reads on from `offset` and owns `fd`. It breaks off when the file is no longer as it
 * was at `opened`: what was announced (length, entity tag) would not be true. Errors: MEMORY (then `fd` is
 * still the caller's). */
int tow_file_body_new(tow_body_source *source, int fd, const struct stat *opened, int64_t offset);

#endif
