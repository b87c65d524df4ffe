/* Tokens, claims and files of keys: the first byte says which. */
#include "fuzz.h"
#include "tokens/jwt.h"

#include <stdint.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static void read_keys(tow_slice text) {
    char why[TOW_KEYRING_TEXT_MAX] = "";
    tow_keyring *keyring = NULL;
    if (tow_keyring_read(&keyring, text.data, text.length, why) == 0)
        tow_keyring_release(keyring);
    else
        CHECK(why[0] != '\0' && keyring == NULL);
}

static void read_claims(tow_slice text) {
    const char *why = NULL;
    tow_grant *grant = NULL;
    if (tow_grant_read(&grant, text, &why) != 0) {
        CHECK(why != NULL && grant == NULL);
        return;
    }
    const char *subject = tow_grant_subject(grant);
    CHECK(subject == NULL || (strlen(subject) > 0 && strlen(subject) <= TOW_GRANT_SUBJECT_MAX));
    CHECK(tow_grant_info(grant).length <= TOW_GRANT_INFO_MAX);
    CHECK(!tow_grant_allows(grant, TOW_CHANNEL_PUBLISH, (tow_slice){"", 0}) || tow_grant_has_channels(grant));
    tow_grant_free(grant);
}

/* Also signed ones of the seeds. */
static void read_token(tow_slice text) {
    static tow_keyring *keyring;
    char why[TOW_KEYRING_TEXT_MAX];
    tow_grant *grant = NULL;
    CHECK(keyring != NULL || tow_keyring_read(&keyring, SECRET, sizeof(SECRET) - 1, why) == 0);
    const char *said = "";
    tow_jwt_verdict verdict = tow_jwt_read(&grant, &(tow_jwt_check){keyring, NULL, 1000}, text, &said);
    CHECK(said[0] != '\0');
    CHECK((verdict == TOW_JWT_GOOD) == (grant != NULL));
    tow_grant_free(grant);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length == 0)
        return 0;
    const tow_slice text = {(const char *)bytes + 1, length - 1};
    if (bytes[0] == 'k')
        read_keys(text);
    else if (bytes[0] == 'c')
        read_claims(text);
    else
        read_token(text);
    return 0;
}
