/* listing: a page that shows what is in a directory, made in steps, so that a large one stops nobody. */
#ifndef TOW_HANDLER_LISTING_H
#define TOW_HANDLER_LISTING_H

#include "base/buffer.h"

enum {
    TOW_LISTING_MAX = 10000, /* entries on a page: what is more is said to be left out */
    TOW_LISTING_STEP = 128   /* names that a step looks at, or rows that it writes */
};

typedef struct tow_listing tow_listing;

/* Begins the page of the directory `name` below `root` ("" for the root). It will show what would be served:
 * files, directories, links to them that stay inside; no hidden names. Errors: NAME_NOT_FOUND, PERMISSION,
 * DESCRIPTORS, MEMORY, SYSTEM. */
int tow_listing_new(tow_listing **listing, int root, const char *name);
void tow_listing_free(tow_listing *listing);

/* Makes more of it. Returns 1 when there is more to do, 0 when the page is whole, or MEMORY. */
int tow_listing_step(tow_listing *listing);

/* The page, which is the listing's. */
const tow_buffer *tow_listing_page(const tow_listing *listing);

/* Bytes that it holds now: names, and what there is of the page. */
size_t tow_listing_size(const tow_listing *listing);

#endif
