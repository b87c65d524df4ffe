/* Credentials as requests show them, and files of users and tokens: the first byte says which. */
#include "presented.h"
#include "token_list.h"
#include "admission/users.h"
#include "fuzz.h"

#include <stdint.h>
#include <string.h>

static bool is_within(const tow_presented *presented, tow_slice slice) {
    return slice.length == 0 || (slice.data >= presented->text &&
                                    slice.data + slice.length <= presented->text + TOW_PRESENTED_MAX);
}

static void read_presented(tow_slice text, int how) {
    tow_presented presented = {0};
    tow_scheme scheme = how & 1 ? TOW_SCHEME_BASIC : TOW_SCHEME_BEARER;
    if (!tow_presented_read(&presented, scheme, text, (how & 2) != 0))
        return;
    CHECK(presented.scheme == scheme);
    CHECK(is_within(&presented, presented.name) && is_within(&presented, presented.password) &&
          is_within(&presented, presented.token));
    CHECK(presented.password.length == 0 ||
          memchr(presented.password.data, '\0', presented.password.length) == NULL);
}

static void read_users(tow_slice text) {
    char why[TOW_USERS_TEXT_MAX];
    tow_users *users;
    if (tow_users_read(&users, text.data, text.length, why) != 0)
        return;
    for (size_t i = 0; i < users->count; i++) {
        bool known;
        CHECK(users->list[i].name.length > 0 && users->list[i].hash[0] == '$');
        CHECK(tow_users_hash(users, users->list[i].name, &known) == users->list[i].hash && known);
    }
    tow_users_release(users);
}

static void read_tokens(tow_slice text) {
    char why[TOW_TOKEN_LIST_TEXT_MAX];
    tow_token_list *tokens;
    if (tow_token_list_read(&tokens, text.data, text.length, why) != 0)
        return;
    CHECK(!tow_token_list_have(tokens, tow_slice_from("")));
    tow_token_list_release(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length == 0)
        return 0;
    const tow_slice text = {(const char *)bytes + 1, length - 1};
    if (bytes[0] == 'u')
        read_users(text);
    else if (bytes[0] == 't')
        read_tokens(text);
    else
        read_presented(text, bytes[0]);
    return 0;
}
