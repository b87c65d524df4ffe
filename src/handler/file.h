/* file: answers with one file: its conditions, the range that is asked for, its body. */
#ifndef TOW_HANDLER_FILE_H
#define TOW_HANDLER_FILE_H

#include "server/exchange.h"

#include <sys/stat.h>

/* `fd` is an open regular file, which this call takes; `name` tells its media type. */
void tow_file_answer(
    tow_exchange *exchange, const tow_request *request, const char *name, int fd, const struct stat *file);

#endif
