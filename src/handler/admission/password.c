#include "password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { BCRYPT_LENGTH = 60 };

bool tow_password_can_be_checked(void) {
    return true;
}

bool tow_password_hash_is_known(const char *hash) {
    int known = crypt_checksalt(hash);
    bool is_bcrypt = hash[0] == '$' && hash[1] == '2';
    return (known == CRYPT_SALT_OK || known == CRYPT_SALT_METHOD_LEGACY) &&
           (!is_bcrypt || strlen(hash) == BCRYPT_LENGTH);
}

bool tow_password_is(const char *password, const char *hash) {
    struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB */
    const char *made = data != NULL ? crypt_r(password, hash, data) : NULL;
    size_t length = strlen(hash);
    bool is =
        made != NULL && made[0] != '*' && strlen(made) == length && CRYPTO_memcmp(made, hash, length) == 0;
    if (data != NULL)
        OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return is;
}
