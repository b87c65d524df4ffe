/* Files of tokens: what is taken, and what is refused with its line. */
#include "../unit.h"

#include "token_list.h"

#include <towline/error.h>

/* of "secret" */
#define DIGEST "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static void those_of_the_file_are_there(void **state) {
    static const char text[] = "# whose\n\n  first-token.A~/+=\r\nsha256:" DIGEST "\nlast";
    static const char *const others[] = {
        "", "first-token", "first-token.A~/+", "Last", "last ", ("sha256:" DIGEST), DIGEST, "# whose"};
    char why[TOW_TOKEN_LIST_TEXT_MAX];
    tow_token_list *tokens;
    assert_int_equal(tow_token_list_read(&tokens, text, strlen(text), why), 0);
    assert_true(tow_token_list_have(tokens, tow_slice_from("first-token.A~/+=")));
    assert_true(tow_token_list_have(tokens, tow_slice_from("secret")));
    assert_true(tow_token_list_have(tokens, tow_slice_from("last")));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(tow_token_list_have(tokens, tow_slice_from(others[i])));
    tow_token_list_release(tokens);
}

static void what_is_wrong_is_told_with_its_line(void **state) {
    static const char *const cases[][2] = {
        {"", "there is no token in it"},
        {"# none\n\n", "there is no token in it"},
        {"one\ntwo words\n", "line 2: a token has no spaces"},
        {"zo\xc3\xab", "line 1: a token has no spaces"},
        {"\nsha256:", "line 2: behind sha256:"},
        {"sha256:" DIGEST "0", "line 1: behind sha256:"},
        {"sha256:x" DIGEST, "line 1: behind sha256:"},
        {"sha256:gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg", "line 1: behind sha256:"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[TOW_TOKEN_LIST_TEXT_MAX];
        tow_token_list *tokens;
        assert_int_equal(
            tow_token_list_read(&tokens, cases[i][0], strlen(cases[i][0]), why), TOW_ERROR_ARGUMENT);
        if (strstr(why, cases[i][1]) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", cases[i][1], why);
    }
    char why[TOW_TOKEN_LIST_TEXT_MAX];
    tow_token_list *tokens;
    assert_int_equal(tow_token_list_read(&tokens, "a\0b", 3, why), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_the_file_are_there),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
