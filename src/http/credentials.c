#include "http/credentials.h"

#include <openssl/evp.h>
#include <string.h>

void tow_userinfo_split(tow_slice userinfo, tow_slice *user, tow_slice *password) {
    const char *colon = userinfo.length > 0 ? memchr(userinfo.data, ':', userinfo.length) : NULL;
    size_t length = colon != NULL ? (size_t)(colon - userinfo.data) : userinfo.length;
    *user = (tow_slice){userinfo.data, length};
    *password = colon != NULL ? (tow_slice){colon + 1, userinfo.length - length - 1} : (tow_slice){"", 0};
}

/* The texts of a user are as long as the user likes. */
int tow_basic_append(tow_buffer *out, const char *user, const char *password) {
    tow_buffer plain = {0};
    int error = tow_buffer_append_format(&plain, "%s:%s", user, password);
    if (error == 0)
        error = tow_buffer_append_text(out, "Basic ");
    if (error == 0)
        error = tow_buffer_reserve(out, (plain.length + 2) / 3 * 4 + 1);
    if (error == 0)
        out->length += (size_t)EVP_EncodeBlock(out->data + out->length, plain.data, (int)plain.length);
    tow_buffer_clear(&plain);
    return error;
}
