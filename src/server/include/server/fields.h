/* fields: header fields that a route answers with, and which names are the server's own affair. */
#ifndef TOW_SERVER_FIELDS_H
#define TOW_SERVER_FIELDS_H

#include "base/complaint.h"
#include "base/slice.h"

#include <towline/http.h>

typedef struct tow_fields {   /* zeroed: none */
    tow_header_field *fields; /* ends with a NULL name; NULL: none */
    char **texts;             /* what they point to */
} tow_fields;

/* Whether the server itself writes, or leaves out, fields of this name (tow_exchange_field). */
bool tow_field_is_reserved(tow_slice name);

/* Whether an answer may have such a field. */
bool tow_field_is_valid(tow_slice name, tow_slice value);

/* Copies them; `given` may be NULL. Errors: ARGUMENT (one that an answer may not have: `complaint` tells),
 * MEMORY. */
int tow_fields_copy(tow_fields *fields, const tow_header_field *given, tow_complaint *complaint);
void tow_fields_clear(tow_fields *fields);

/* Whether there is one of this name. */
bool tow_fields_have(const tow_fields *fields, const char *name);

#endif
