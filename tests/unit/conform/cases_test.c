#include "../unit.h"

#include "cases.h"

#include <towline/error.h>

/* Reads a text; the list is the caller's. */
static case_list read_text(const char *text) {
    case_list list = {0};
    tow_buffer error = {0};
    int result = tow_conform_case_list_read(&list, "test", text, &error);
    if (result != 0)
        fail_msg("%s: %.*s", tow_strerror(result), (int)error.length, (const char *)error.data);
    tow_buffer_clear(&error);
    return list;
}

/* A text that can't be read, and what is said about it. */
static void refused(const char *text, const char *expected) {
    case_list list = {0};
    tow_buffer error = {0};
    assert_int_equal(tow_conform_case_list_read(&list, "test", text, &error), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_buffer_append(&error, "", 1), 0);
    assert_string_equal((const char *)error.data, expected);
    tow_buffer_clear(&error);
    tow_conform_case_list_clear(&list);
}

/* The only step of a case with this line. */
static case_step step_of(case_list *list, const char *line) {
    char text[2000];
    snprintf(text, sizeof(text), "group g RFC 6455\ncase c\n  must x\n  %s\n", line);
    *list = read_text(text);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->cases[0].step_count, 1);
    return list->cases[0].steps[0];
}

static void bad_line(const char *line) {
    char text[1000], expected[1100];
    snprintf(text, sizeof(text), "group g RFC 6455\ncase c\n  must x\n  %s\n", line);
    snprintf(expected, sizeof(expected), "test:4: not understood: %s", line);
    refused(text, expected);
}

static void a_case_has_what_its_lines_say(void **state) {
    (void)state;
    case_list list = read_text("# a comment\n"
                               "group closing RFC 6455, section 5.5.1\n\n"
                               "case reason\n"
                               "  role client\n"
                               "  of RFC 3629\n"
                               "  should A reason is UTF-8.\n"
                               "  offer permessage-deflate; server_max_window_bits=9\n"
                               "  needs permessage-deflate\n"
                               "  unless client_max_window_bits\n"
                               "  refuses other\n"
                               "  early\n"
                               "  may-be-too-large\n"
                               "  in-pieces 7 30\n"
                               "  within 250\n"
                               "  finish\n");
    const conform_case *one = &list.cases[0];
    assert_int_equal(list.count, 1);
    assert_string_equal(one->id, "closing.reason");
    assert_string_equal(one->section, "RFC 3629");
    assert_string_equal(one->says, "A reason is UTF-8.");
    assert_int_equal(one->level, LEVEL_SHOULD);
    assert_int_equal(one->role, ROLE_CLIENT_TESTED);
    assert_string_equal(one->offer, "permessage-deflate; server_max_window_bits=9");
    assert_string_equal(one->needs, "permessage-deflate");
    assert_string_equal(one->unless, "client_max_window_bits");
    assert_string_equal(one->refuses, "other");
    assert_true(one->early && one->may_be_too_large);
    assert_int_equal(one->pieces, 7);
    assert_int_equal(one->pieces_milliseconds, 30);
    assert_int_equal(one->within, 250);
    assert_int_equal(one->line, 4);
    assert_int_equal(one->steps[0].kind, STEP_FINISH);
    tow_conform_case_list_clear(&list);
}

static void a_frame_has_what_its_words_say(void **state) {
    (void)state;
    case_list list;
    case_step step =
        step_of(&list, "send text \"a\\n\\x41\\\"\" hex 00ff 10 rsv=5 fin=0 times=3 fragment=2 length=9 "
                       "claim=0x8000000000000000 level=9 deflate zero-key wrongly-masked");
    assert_int_equal(step.kind, STEP_SEND);
    assert_int_equal(step.opcode, 1);
    assert_int_equal(step.payload.size, 7);
    assert_memory_equal(step.payload.literal, "a\nA\"\x00\xff\x10", 7);
    assert_int_equal(step.reserved_bits, 5);
    assert_true(
        step.has_reserved_bits && step.has_claim && step.deflate && step.zero_key && step.wrongly_masked);
    assert_false(step.final);
    assert_int_equal(step.count, 3);
    assert_int_equal(step.fragment, 2);
    assert_int_equal(step.length_bytes, 9);
    assert_true(step.claimed_length == UINT64_C(1) << 63);
    assert_int_equal(step.level, 9);
    tow_conform_case_list_clear(&list);
}

/* "deflate" begins with hexadecimal digits. */
static void hex_takes_whole_words(void **state) {
    (void)state;
    case_list list;
    case_step step = step_of(&list, "send text hex c3a9 deflate");
    assert_int_equal(step.payload.size, 2);
    assert_true(step.deflate);
    tow_conform_case_list_clear(&list);
}

static void a_close_has_its_code_in_front(void **state) {
    (void)state;
    case_list list;
    case_step step = step_of(&list, "send close 1000 letters=123");
    assert_int_equal(step.payload.size, 125);
    assert_memory_equal(step.payload.literal, "\x03\xe8xxx", 5);
    tow_conform_case_list_clear(&list);
}

static void payloads_are_made_when_they_are_needed(void **state) {
    (void)state;
    case_list list;
    case_step step = step_of(&list, "send binary random=1000 period=300");
    uint8_t *payload = tow_conform_case_payload_make(&step.payload);
    assert_non_null(payload);
    assert_memory_equal(payload, payload + 300, 700);
    assert_memory_not_equal(payload, payload + 299, 299);
    free(payload);
    tow_conform_case_list_clear(&list);
}

static void expectations_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *line;
        step_kind kind;
    } lines[] = {{"expect text \"x\"", STEP_EXPECT}, {"expect close", STEP_EXPECT_CLOSE},
        {"expect close 1000 1005", STEP_EXPECT_CLOSE}, {"expect fail 1002 0", STEP_EXPECT_FAIL},
        {"expect end", STEP_EXPECT_END}, {"expect end cleanly", STEP_EXPECT_END},
        {"expect silence 200", STEP_EXPECT_SILENCE}, {"expect no-message 200", STEP_EXPECT_NO_MESSAGE},
        {"expect status 101 4xx 0", STEP_EXPECT_STATUS}, {"expect field when 405 Allow", STEP_EXPECT_FIELD}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        case_list list;
        assert_int_equal(step_of(&list, lines[i].line).kind, lines[i].kind);
        tow_conform_case_list_clear(&list);
    }
}

static void a_class_of_statuses_is_its_first_digit(void **state) {
    (void)state;
    case_list list;
    case_step step = step_of(&list, "expect status 101 4xx 0");
    assert_int_equal(step.code_count, 3);
    assert_int_equal(step.codes[1], 4);
    tow_conform_case_list_clear(&list);
}

static void edits_change_the_opening_handshake(void **state) {
    (void)state;
    case_list list = read_text(
        "group g RFC 6455\ncase c\n  must x\n  line GET / HTTP/1.0\n  header Host: {host}\n  header +A: b\n"
        "  header -Upgrade\n  break \"X\\r\\n\"\n  finish\n");
    const case_edit *edits = list.cases[0].edits;
    const edit_kind kinds[] = {EDIT_LINE, EDIT_REPLACE, EDIT_ADD, EDIT_DROP, EDIT_BREAK};
    assert_int_equal(list.cases[0].edit_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(edits[i].kind, kinds[i]);
    assert_string_equal(edits[1].name, "Host");
    assert_string_equal(edits[1].value, "{host}");
    assert_string_equal(edits[4].value, "X\r\n");
    tow_conform_case_list_clear(&list);
}

static void for_makes_a_case_of_each_combination(void **state) {
    (void)state;
    case_list list = read_text(
        "group g RFC 6455\ncase {A}-{B}\n  for A in 1 2\n  for B in x y z\n  must {A}{B}{C}\n  finish\n");
    assert_int_equal(list.count, 6);
    assert_string_equal(list.cases[0].id, "g.1-x");
    assert_string_equal(list.cases[5].id, "g.2-z");
    assert_string_equal(list.cases[5].says, "2z{C}");
    tow_conform_case_list_clear(&list);
}

static void names_of_one_for_change_together(void **state) {
    (void)state;
    case_list list = read_text("group g RFC 6455\ncase {N}\n  for N, V in one \"a \\\"b\\\" \\x\" two \"\"\n "
                               " must [{V}]\n  finish\n");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.cases[0].says, "[a \"b\" \\x]");
    assert_string_equal(list.cases[1].says, "[]");
    tow_conform_case_list_clear(&list);
}

static void an_id_is_made_of_what_fits(void **state) {
    (void)state;
    case_list list = read_text("group g RFC 6455\ncase a b//c {x}_.=!\n  must x\n  finish\n");
    assert_string_equal(list.cases[0].id, "g.a-b-c-x-_.=");
    tow_conform_case_list_clear(&list);
}

static void an_id_stands_once(void **state) {
    (void)state;
    refused("group g RFC 6455\ncase a b\n  must x\n  finish\ncase a+b\n  must x\n  finish\n",
        "test:5: there is a case of this id already: g.a-b");
    case_list list = read_text("group g RFC 6455\ncase a\n  must x\n  finish\n");
    tow_buffer error = {0};
    assert_int_equal(
        tow_conform_case_list_read(&list, "other", "group g RFC\ncase a\n  must x\n  finish\n", &error),
        TOW_ERROR_ARGUMENT);
    assert_int_equal(list.count, 1);
    tow_buffer_clear(&error);
    tow_conform_case_list_clear(&list);
}

static void what_is_wrong_is_told_with_its_line(void **state) {
    (void)state;
    refused("case a\n", "test:1: expected group, or a group's case: a");
    refused("  must x\n", "test:1: an indented line outside a case: must x");
    refused("group g\n", "test:1: expected: group NAME SECTION: g");
    refused("group g RFC\n\nnonsense\n", "test:3: expected group, or a group's case: nonsense");
    refused("group g RFC\ncase a\n  must x\n", "test:2: a case needs must, should or may, and steps: g.a");
    refused("group g RFC\ncase a\n  finish\n", "test:2: a case needs must, should or may, and steps: g.a");
    refused("group g RFC\ncase a\n  for A B in 1\n", "test:3: expected: for NAME in VALUES: A B in 1");
    refused("group g RFC\ncase a\n  for A, B in 1 2 3\n", "test:3: not a value for each name: A, B in 1 2 3");
    refused("group g RFC\ncase a\n  for A in\n", "test:3: not a value for each name: A in");
}

static void lines_that_say_nothing_are_refused(void **state) {
    (void)state;
    static const char *const lines[] = {"send", "send nothing", "send text \"open", "send text \"\\q\"",
        "send text \"\\x4\"", "send text hex 0", "send text hex 0g", "send text rsv=8", "send text fin=2",
        "send text length=2", "send text times=0", "send text times=100001", "send text level=10",
        "send text unknown=1", "send text ascii=", "send text ascii=-1", "send text ascii=300000000",
        "send text ascii=5 \"x\"", "send text \"x\" ascii=5", "send opcode=16", "send text letters=2000000",
        "send text 1000", "send close 70000", "expect", "expect nonsense", "expect close x", "expect silence",
        "expect silence 70000", "expect end soon", "expect status 1xxx", "expect field",
        "expect field when x y", "chop", "chop x", "chop 1 2 3 4", "wait", "wait x", "role judge",
        "early now", "in-pieces 0", "in-pieces x", "within 0", "within x", "header", "header :x", "header -",
        "head x", "break \"x", "reset now", "finish it", "together x", "raw", "raw \"x\" y"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strcmp(lines[i], "raw") != 0) /* of no bytes */
            bad_line(lines[i]);
    }
}

static void limits_hold_at_their_borders(void **state) {
    (void)state;
    case_list list;
    assert_int_equal(step_of(&list, "send text times=100000").count, 100000);
    tow_conform_case_list_clear(&list);
    assert_int_equal(step_of(&list, "send text ascii=268435456").payload.size, 268435456);
    tow_conform_case_list_clear(&list);
    bad_line("send text ascii=268435457");
    assert_int_equal(step_of(&list, "send text letters=1048576").payload.size, 1048576);
    tow_conform_case_list_clear(&list);
    bad_line("send text letters=1048577");
    assert_int_equal(step_of(&list, "expect silence 60000").milliseconds, 60000);
    tow_conform_case_list_clear(&list);
    bad_line("expect silence 60001");
}

static void too_many_cases_are_a_mistake(void **state) {
    (void)state;
    tow_buffer text = {0};
    tow_buffer_append_text(&text, "group g RFC\ncase {A}.{B}.{C}\n");
    for (const char *name = "ABC"; *name != 0; name++) {
        tow_buffer_append_format(&text, "  for %c in", *name);
        for (int i = 0; i < 18; i++)
            tow_buffer_append_format(&text, " %d", i);
        tow_buffer_append_text(&text, "\n");
    }
    static const char rest[] = "  must x\n  finish\n";
    assert_int_equal(tow_buffer_append(&text, rest, sizeof(rest)), 0);
    refused((const char *)text.data, "test:2: too many cases: {A}.{B}.{C}");
    tow_buffer_clear(&text);
}

/* Whatever is left of a text, reading it ends well. */
static void a_text_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char text[] =
        "group g RFC 6455\ncase {A}\n  for A, B in 1 \"2 3\" 4 \"\\\"\"\n  must x\n  head \"a\\r\\n{key}\"\n"
        "  send close 1000 \"x\\x41\" hex 00ff letters=3\n  expect field when 405 Allow: GET\n  finish\n";
    for (size_t length = 0; length < sizeof(text); length++) {
        char *cut = strndup(text, length);
        case_list list = {0};
        tow_buffer error = {0};
        int result = tow_conform_case_list_read(&list, "test", cut, &error);
        assert_true(result == 0 || result == TOW_ERROR_ARGUMENT);
        assert_int_equal(result == 0, error.length == 0);
        tow_buffer_clear(&error);
        tow_conform_case_list_clear(&list);
        free(cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_has_what_its_lines_say),
        cmocka_unit_test(a_frame_has_what_its_words_say),
        cmocka_unit_test(hex_takes_whole_words),
        cmocka_unit_test(a_close_has_its_code_in_front),
        cmocka_unit_test(payloads_are_made_when_they_are_needed),
        cmocka_unit_test(expectations_are_told_apart),
        cmocka_unit_test(a_class_of_statuses_is_its_first_digit),
        cmocka_unit_test(edits_change_the_opening_handshake),
        cmocka_unit_test(for_makes_a_case_of_each_combination),
        cmocka_unit_test(names_of_one_for_change_together),
        cmocka_unit_test(an_id_is_made_of_what_fits),
        cmocka_unit_test(an_id_stands_once),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(lines_that_say_nothing_are_refused),
        cmocka_unit_test(limits_hold_at_their_borders),
        cmocka_unit_test(too_many_cases_are_a_mistake),
        cmocka_unit_test(a_text_may_be_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
