/* listing: a page that shows what is in a directory. */
#ifndef TOW_HANDLER_LISTING_H
#define TOW_HANDLER_LISTING_H

#include "base/buffer.h"

enum { TOW_LISTING_MAX = 10000 /* entries on a page: what is more is said to be left out */ };

/* Appends the page of the directory `name` below `root` ("" for the root). It shows what would be served:
 * files, directories, links to them that stay inside; no hidden names. Errors: NAME_NOT_FOUND, PERMISSION,
 * DESCRIPTORS, MEMORY, SYSTEM. */
int tow_listing_append(tow_buffer *page, int root, const char *name);

#endif
