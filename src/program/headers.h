/* headers: what the options of a client say of the head that it sends: -H, --cookie, --user and --bearer,
 * made into header fields. */
#ifndef TOW_PROGRAM_HEADERS_H
#define TOW_PROGRAM_HEADERS_H

#include "base/buffer.h"
#include "connect.h"

typedef struct tow_headers {  /* zeroed: none */
    tow_header_field *fields; /* ends with a NULL name */
    tow_buffer names;         /* private from here on */
    tow_buffer cookie;
    tow_buffer authorization;
} tow_headers;

/* Whether a -H names this field. */
bool tow_headers_name(const tow_connect_settings *settings, const char *name);

/* What contradicts itself, in words, or NULL. */
const char *tow_headers_complaint(const tow_connect_settings *settings);

/* The fields borrow of the settings too. Errors: MEMORY; in any case tow_headers_clear frees what there is.
 */
int tow_headers_make(tow_headers *headers, const tow_connect_settings *settings);
void tow_headers_clear(tow_headers *headers);

#endif
