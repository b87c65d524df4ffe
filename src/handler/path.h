/* path: from the path of a request to a file's name below the root, and back (RFC 3986, sections 2.1
 * and 3.3). */
#ifndef TOW_HANDLER_PATH_H
#define TOW_HANDLER_PATH_H

#include "base/buffer.h"

#include <stdbool.h>

enum { TOW_FILE_PATH_MAX = 4096 /* with the final zero: longer ones can't be opened */ };

typedef struct tow_file_path {
    char name[TOW_FILE_PATH_MAX]; /* decoded once; no slash at either end; "" is the root itself */
    bool ends_with_slash;
} tow_file_path;

/* Decodes a path as it was sent. Returns 0 or the status with which to refuse: 400 for a bad escape or an
 * encoded NUL, 404 for what no file of ours can be called: an empty segment, an encoded slash, a hidden name,
 * so "." and ".." too. */
int tow_file_path_read(tow_file_path *path, const char *text);

/* The last segment, "" for the root. */
const char *tow_file_path_last(const tow_file_path *path);

/* Appends a segment, with all but unreserved characters encoded. Errors: MEMORY. */
int tow_path_segment_append(tow_buffer *out, const char *segment);

#endif
