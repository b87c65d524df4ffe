/* extension: the syntax of Sec-WebSocket-Extensions (RFC 6455, section 9.1).
 *
 * One element of the list in, its name and parameters out. Knows no extension. */
#ifndef TOW_PROTOCOL_EXTENSION_H
#define TOW_PROTOCOL_EXTENSION_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define TOW_EXTENSIONS_FIELD "Sec-WebSocket-Extensions"

typedef struct tow_extension_parameter {
    tow_slice name;
    size_t value_length; /* 0: there is no value */
    char value[4];       /* the first characters of the value, quotes and backslashes taken away */
} tow_extension_parameter;

/* Takes the extension's name from the front of an element; `rest` begins behind it. False: not a token. */
bool tow_extension_name(tow_slice *rest, tow_slice *name);

/* Takes the next parameter. Returns 1, 0 at the end, or HANDSHAKE_EXTENSION if it is malformed. */
int tow_extension_parameter_next(tow_slice *rest, tow_extension_parameter *parameter);

/* Returns 0 if the fields make a list of extensions or there are none, else HANDSHAKE_EXTENSION. */
int tow_extension_list_check(const tow_field *fields, size_t count);

#endif
