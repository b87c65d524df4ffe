/* file_body: the bytes of an open file as the body of an answer. */
#ifndef TOW_SERVER_FILE_BODY_H
#define TOW_SERVER_FILE_BODY_H

#include "server/exchange.h"

/* Makes a source that reads on from `offset` and owns `fd`. A file may grow meanwhile, or be touched: what
 * was announced is there still. The source breaks off only where the file has become too short. Errors:
 * MEMORY (then `fd` is still the caller's). */
int tow_file_body_new(tow_body_source *source, int fd, int64_t offset);

#endif
