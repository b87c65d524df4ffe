/* Userinfo of URLs, and Basic authentication. */
#include "../unit.h"

#include "http/credentials.h"

#include <towline/error.h>

static void a_user_ends_at_the_first_colon(void **state) {
    static const struct {
        const char *text, *user, *password;
    } cases[] = {{"", "", ""}, {"me", "me", ""}, {"me:", "me", ""}, {"me:pass", "me", "pass"},
        {":pass", "", "pass"}, {"me:p:a:ss", "me", "p:a:ss"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_slice user;
        tow_slice password;
        tow_userinfo_split(tow_slice_from(cases[i].text), &user, &password);
        assert_true(tow_slice_equals(user, cases[i].user));
        assert_true(tow_slice_equals(password, cases[i].password));
    }
}

static void basic_is_user_and_password_in_base64(void **state) {
    static const char *const cases[][3] = {
        {"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617, section 2 */
        {"test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow=="},                /* section 2.1 */
        {"", "", "Basic Og=="}, {"a", "b", "Basic YTpi"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_buffer out = {0};
        assert_int_equal(tow_buffer_append_text(&out, "X: "), 0);
        assert_int_equal(tow_basic_append(&out, cases[i][0], cases[i][1]), 0);
        assert_int_equal(out.length, 3 + strlen(cases[i][2]));
        assert_memory_equal(out.data + 3, cases[i][2], out.length - 3);
        tow_buffer_clear(&out);
    }
}

static void credentials_may_be_long(void **state) {
    char *user = malloc(100 * 1000 + 1);
    memset(user, 'u', 100 * 1000);
    user[100 * 1000] = '\0';
    tow_buffer out = {0};
    assert_int_equal(tow_basic_append(&out, user, user), 0);
    assert_int_equal(out.length, strlen("Basic ") + (200 * 1000 + 1 + 2) / 3 * 4);
    tow_buffer_clear(&out);
    free(user);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_ends_at_the_first_colon),
        cmocka_unit_test(basic_is_user_and_password_in_base64),
        cmocka_unit_test(credentials_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
