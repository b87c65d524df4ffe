/* json: JSON (RFC 8259) as it lies in a text: where a value ends, which items it has, and strings in and out.
 *
 * Values are slices of the text. Nothing is built, and what is passed on keeps its bytes: a number too large
 * for any type, a name that comes twice. What values mean is for others. */
#ifndef TOW_BASE_JSON_H
#define TOW_BASE_JSON_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* How deep arrays and objects may lie in each other. */
enum { TOW_JSON_DEPTH_MAX = 256 };

/* Where the value ends with which the text begins, behind any white space. Strict: what is taken is one value
 * of JSON in UTF-8. A number ends where the text does. Errors: ARGUMENT (no value), LIMIT (too deep). */
int64_t tow_json_skip(const char *text, size_t length);

/* The value that the whole text is, without the white space around it. Errors: those of tow_json_skip. */
int tow_json_read(tow_slice text, tow_slice *value);

/* All that follows takes values as tow_json_read and tow_json_next give them. */

typedef enum tow_json_type {
    TOW_JSON_NULL,
    TOW_JSON_FALSE,
    TOW_JSON_TRUE,
    TOW_JSON_NUMBER,
    TOW_JSON_STRING,
    TOW_JSON_ARRAY,
    TOW_JSON_OBJECT
} tow_json_type;

tow_json_type tow_json_type_of(tow_slice value);

/* The items of an array or the members of an object, in their order; other values have none. */
typedef struct tow_json_walk {
    const char *at;
    const char *end;
    bool is_object;
} tow_json_walk;

tow_json_walk tow_json_items(tow_slice value);

/* The next one, with its name (a string) in an object, else an empty one. False: there is none. */
bool tow_json_next(tow_json_walk *walk, tow_slice *name, tow_slice *value);

/* The member of that name; of several the last, as JSON.parse has it. False: there is none, or `object` is
 * none. */
bool tow_json_member(tow_slice object, const char *name, tow_slice *value);

/* A number that is whole and fits, written without fraction and exponent. Errors: ARGUMENT. */
int tow_json_integer(tow_slice value, int64_t *out);

/* Whether the value is a string that says `text`, whichever of its characters are escaped. */
bool tow_json_string_is(tow_slice value, const char *text);

/* Appends what a string says, which may have zeros in it. Errors: MEMORY, UTF8 (half of a surrogate pair
 * stands alone); the buffer is as before. */
int tow_json_unescape(tow_buffer *out, tow_slice string);

/* Appends a text as a string, with its quotation marks and as JSON.stringify writes it. Errors: MEMORY, UTF8;
 * the buffer is as before. */
int tow_json_append_string(tow_buffer *out, tow_slice text);

#endif
