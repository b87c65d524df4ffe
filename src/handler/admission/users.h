/* users: who may come in by name and password, read from a file as htpasswd -B and crypt(3) make it.
 *
 * A line is NAME:HASH; what stands behind a further colon is passed over, '#' begins a comment. A list is
 * made whole and never changed: whoever uses one holds a reference, from any thread. */
#ifndef TOW_HANDLER_ADMISSION_USERS_H
#define TOW_HANDLER_ADMISSION_USERS_H

#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

enum { TOW_USERS_TEXT_MAX = 200 };

typedef struct tow_user {
    tow_slice name;
    const char *hash;
    size_t line;
} tow_user;

typedef struct tow_users {
    char *text;
    tow_user *list;      /* by name */
    size_t count;        /* at least 1 */
    uint64_t generation; /* no other list of this process has the same */
    atomic_int holders;
} tow_users;

/* Reads the text of a file. Errors: ARGUMENT, UNSUPPORTED (this build knows no hashes), MEMORY; `why` then
 * says what is wrong, with the number of the line. */
int tow_users_read(tow_users **users, const char *text, size_t length, char why[TOW_USERS_TEXT_MAX]);

tow_users *tow_users_retain(tow_users *users);
void tow_users_release(tow_users *users); /* NULL is allowed */

/* The hash that a password has to have; for a name that is not there another's, the same one each time, so
 * that it takes the same time to learn that; `known` tells. */
const char *tow_users_hash(const tow_users *users, tow_slice name, bool *known);

#endif
