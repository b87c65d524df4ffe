/* conditional: whether a request wants its file as the file is now (RFC 9110, section 13). */
#ifndef TOW_HANDLER_CONDITIONAL_H
#define TOW_HANDLER_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What tells one state of a file from another. */
typedef struct tow_validators {
    char etag[64];    /* strong, in its quotes */
    int64_t modified; /* seconds since 1970, never later than now (RFC 9110, section 8.8.2.1) */
} tow_validators;

tow_validators tow_validators_of(const struct stat *file, int64_t now);

/* The fields' values; NULL where there is none. */
typedef struct tow_conditions {
    const char *if_match;
    const char *if_unmodified_since;
    const char *if_none_match;
    const char *if_modified_since;
} tow_conditions;

/* Returns 0 if the file is wanted, 304 or 412 else. For GET and HEAD. */
int tow_conditions_check(const tow_conditions *conditions, const tow_validators *validators);

/* Whether a Range goes with the file as it is now: `if_range` is the field's value or NULL. */
bool tow_if_range_holds(const char *if_range, const tow_validators *validators, int64_t now);

#endif
