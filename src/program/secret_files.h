/* secret_files: files with secrets that others on this machine may read or write. The log names each once,
 * with what to do about it; the server serves all the same. */
#ifndef TOW_PROGRAM_SECRET_FILES_H
#define TOW_PROGRAM_SECRET_FILES_H

#include "base/buffer.h"
#include "service.h"

typedef struct tow_secret_files { /* the first is set, the rest zeroed */
    tow_service *service;
    tow_buffer told; /* their names, each with a zero behind it */
} tow_secret_files;

/* Looks at a file, which `label` has named. One that is `public` may be read by others, but written by
 * nobody else. */
void tow_secret_file_look(tow_secret_files *files, const char *label, const char *path, bool is_public);

/* Looks at those that rows with secrets name; `label` is what is said of what stands in no file of options,
 * NULL: the option's name. */
void tow_secret_files_look(tow_secret_files *files, const tow_options *options, const char *label);

void tow_secret_files_clear(tow_secret_files *files);

#endif
