/* password: whether a password is the one of a hash as crypt(5) describes them. Takes as long as the hash was
 * made to take; on any thread. */
#ifndef TOW_HANDLER_ADMISSION_PASSWORD_H
#define TOW_HANDLER_ADMISSION_PASSWORD_H

#include <stdbool.h>

/* Whether this build can. */
bool tow_password_can_be_checked(void);

/* Whether it can with this hash, as far as its first part tells. */
bool tow_password_hash_is_known(const char *hash);

/* False as well without memory. */
bool tow_password_is(const char *password, const char *hash);

#endif
