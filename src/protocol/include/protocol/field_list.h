/* field_list: header fields whose value is a comma-separated list, and tokens (RFC 9110, section 5.6).
 *
 * Fields in, borrowed slices out. Several fields of one name make one list. */
#ifndef TOW_PROTOCOL_FIELD_LIST_H
#define TOW_PROTOCOL_FIELD_LIST_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether text is a token (RFC 9110, section 5.6.2): what a subprotocol must be. */
bool tow_is_token(tow_slice text);

/* Whether a character may stand in a token. */
bool tow_is_token_character(char character);

/* Goes through a comma-separated list over all fields of one name: the next element without its white space,
 * false at the end. Start with a zeroed cursor. Empty elements are skipped. Quoted strings keep their commas.
 */
typedef struct tow_list_cursor {
    size_t field;
    size_t offset;
} tow_list_cursor;
bool tow_list_next(
    const tow_field *fields, size_t count, const char *name, tow_list_cursor *cursor, tow_slice *element);

/* Whether the list in the fields of this name has this token, without regard to case. */
bool tow_list_has(const tow_field *fields, size_t count, const char *name, const char *token);

/* How many fields have this name. */
size_t tow_field_count(const tow_field *fields, size_t count, const char *name);

/* The value of the only field of this name: false if there is none or more than one (*found tells how many).
 */
bool tow_field_only(const tow_field *fields, size_t count, const char *name, tow_slice *value, size_t *found);

#endif
