#include "../unit.h"

#include "../allocation.h"
#include "exchange_fake.h"
#include "folder.h"
#include "handler/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static folder made;
static tow_files *files;
static tow_handler handler;
static tow_request request;
static tow_exchange exchange;

enum { MODIFIED = 784111777 };
static const char modified_text[] = "Sun, 06 Nov 1994 08:49:37 GMT";

static void set_time(const char *name, int64_t seconds) {
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(&made, name), times, 0), 0);
}

static int make(void **state) {
    (void)state;
    folder_make(&made);
    folder_add_file(&made, "secret", "secret");
    folder_add_directory(&made, "root");
    folder_add_file(&made, "root/digits.txt", "0123456789");
    set_time("root/digits.txt", MODIFIED);
    folder_add_file(&made, "root/empty", "");
    folder_add_file(&made, "root/.hidden", "hidden");
    folder_add_directory(&made, "root/site");
    folder_add_file(&made, "root/site/index.html", "<!DOCTYPE html>");
    folder_add_directory(&made, "root/list");
    folder_add_file(&made, "root/list/one", "1");
    folder_add_directory(&made, "root/odd");
    folder_add_directory(&made, "root/odd/index.html");
    folder_add_directory(&made, "root/a:b c");
    folder_add_link(&made, "root/out", "../secret");
    folder_add_link(&made, "root/in", "digits.txt");
    assert_int_equal(mkfifo(folder_path(&made, "root/fifo"), 0600), 0);
    assert_int_equal(tow_files_new(&files, folder_path(&made, "root")), 0);
    handler = tow_files_handler(files);
    return 0;
}

static int clear(void **state) {
    (void)state;
    fake_exchange_clear(&exchange);
    tow_files_free(files);
    folder_remove(&made);
    return 0;
}

/* Asks with the fields in `fields` (NULL: none; else it ends with a NULL name) and looks that there is one
 * answer. */
static void ask_with(const char *method, const char *target, const tow_header_field *fields) {
    size_t piece = exchange.piece;
    fake_exchange_clear(&exchange);
    exchange = (tow_exchange){.is_head = strcmp(method, "HEAD") == 0, .piece = piece};
    fake_request_init(&request, handler.user, method, target, fields);
    handler.on_request(&exchange, &request);
    assert_int_equal(exchange.answers, 1);
}

static void ask(const char *method, const char *target) {
    ask_with(method, target, NULL);
}

static void ask_one(const char *target, const char *name, const char *value) {
    ask_with("GET", target, (const tow_header_field[]){{name, value}, {0}});
}

static void assert_body(const char *body) {
    assert_false(exchange.broken);
    assert_int_equal(exchange.body.length, strlen(body));
    assert_memory_equal(exchange.body.data, body, strlen(body));
}

static void assert_field(const char *name, const char *value) {
    const char *seen = fake_field(&exchange, name);
    if (seen == NULL)
        fail_msg("no %s", name);
    assert_string_equal(seen, value);
}

static void a_file_is_sent_with_what_is_known_of_it(void **state) {
    (void)state;
    for (exchange.piece = 1; exchange.piece < 12; exchange.piece++) {
        ask("GET", "/digits.txt?query");
        assert_int_equal(exchange.status, 200);
        assert_body("0123456789");
        assert_int_equal(exchange.length, 10);
        assert_string_equal(exchange.type, "text/plain; charset=utf-8");
        assert_field("Last-Modified", modified_text);
        assert_field("Accept-Ranges", "bytes");
        assert_field("X-Content-Type-Options", "nosniff");
        assert_field("Cache-Control", "no-cache");
        assert_true(fake_field(&exchange, "ETag")[0] == '"');
        assert_null(fake_field(&exchange, "Content-Range"));
    }
    exchange.piece = 0;
}

static void head_gives_the_same_fields_without_the_body(void **state) {
    (void)state;
    ask("HEAD", "/digits.txt");
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.length, 10);
    assert_int_equal(exchange.body.length, 0);
    assert_field("Last-Modified", modified_text);
    ask("HEAD", "/list/");
    assert_int_equal(exchange.status, 200);
    assert_true(exchange.length > 100);
    assert_int_equal(exchange.body.length, 0);
}

static void an_empty_file_is_sent(void **state) {
    (void)state;
    ask("GET", "/empty");
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.length, 0);
    assert_string_equal(exchange.type, "application/octet-stream");
    ask_one("/empty", "Range", "bytes=0-");
    assert_int_equal(exchange.status, 416);
    ask_one("/empty", "Range", "bytes=-5");
    assert_int_equal(exchange.status, 200);
}

static void other_methods_are_told_which_are_allowed(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        ask(methods[i], "/digits.txt");
        assert_int_equal(exchange.status, 405);
        assert_field("Allow", "GET, HEAD");
    }
}

static void a_directorys_page_is_its_index_or_a_listing(void **state) {
    (void)state;
    ask("GET", "/site/");
    assert_int_equal(exchange.status, 200);
    assert_body("<!DOCTYPE html>");
    assert_string_equal(exchange.type, "text/html; charset=utf-8");
    ask("GET", "/list/");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.type, "text/html; charset=utf-8");
    assert_field("X-Content-Type-Options", "nosniff");
    assert_field("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    assert_non_null(memmem(exchange.body.data, exchange.body.length, "./one", 5));
    ask("GET", "/");
    assert_int_equal(exchange.status, 200);
    assert_non_null(memmem(exchange.body.data, exchange.body.length, "./digits.txt", 12));
    ask("GET", "/odd/");
    assert_int_equal(exchange.status, 200);
    assert_non_null(memmem(exchange.body.data, exchange.body.length, "./index.html/", 13));
}

static void a_directory_without_its_slash_is_redirected_there(void **state) {
    (void)state;
    ask("GET", "/site");
    assert_int_equal(exchange.status, 301);
    assert_field("Location", "./site/");
    ask("HEAD", "/odd/index.html?a=b&c");
    assert_int_equal(exchange.status, 301);
    assert_field("Location", "./index.html/?a=b&c");
    ask("GET", "/a%3ab%20c");
    assert_int_equal(exchange.status, 301);
    assert_field("Location", "./a%3Ab%20c/");
}

static void no_redirect_leads_to_another_host(void **state) {
    (void)state;
    static const char *const targets[] = {
        "//site", "//evil.example/site", "/%2fsite", "/\\site", "//evil.example/..%2fsite"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        ask("GET", targets[i]);
        assert_int_equal(exchange.status, 404);
        assert_null(fake_field(&exchange, "Location"));
    }
}

static void what_is_not_to_be_seen_is_not_found(void **state) {
    (void)state;
    static const char *const targets[] = {"/nothing", "/.hidden", "/out", "/../secret", "/..",
        "/%2e%2e/secret", "/..%2fsecret", "/digits.txt/", "/digits.txt/x", "/fifo", "/site/../digits.txt",
        "/site//index.html", "*"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        ask("GET", targets[i]);
        if (exchange.status != 404)
            fail_msg("%s: %d", targets[i], exchange.status);
        assert_string_equal(exchange.type, "text/plain; charset=utf-8");
    }
    ask("GET", "/in");
    assert_int_equal(exchange.status, 200);
}

static void bad_escapes_are_bad_requests(void **state) {
    (void)state;
    static const char *const targets[] = {"/%", "/%zz", "/digits.txt%00", "/%00"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        ask("GET", targets[i]);
        assert_int_equal(exchange.status, 400);
    }
}

static void a_file_that_is_known_is_not_sent_again(void **state) {
    (void)state;
    char etag[100];
    ask("GET", "/digits.txt");
    snprintf(etag, sizeof(etag), "%s", fake_field(&exchange, "ETag"));
    ask_one("/digits.txt", "If-None-Match", etag);
    assert_int_equal(exchange.status, 304);
    assert_int_equal(exchange.body.length, 0);
    assert_string_equal(exchange.type, "");
    assert_field("ETag", etag);
    assert_field("Last-Modified", modified_text);
    ask_one("/digits.txt", "If-Modified-Since", modified_text);
    assert_int_equal(exchange.status, 304);
    ask_one("/digits.txt", "If-None-Match", "\"other\"");
    assert_int_equal(exchange.status, 200);
    ask_with("HEAD", "/digits.txt", (const tow_header_field[]){{"If-None-Match", "*"}, {0}});
    assert_int_equal(exchange.status, 304);
}

static void a_condition_that_fails_is_said_so(void **state) {
    (void)state;
    ask_one("/digits.txt", "If-Match", "\"other\"");
    assert_int_equal(exchange.status, 412);
    ask_one("/digits.txt", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT");
    assert_int_equal(exchange.status, 412);
    ask_one("/digits.txt", "If-Match", "*");
    assert_int_equal(exchange.status, 200);
}

static void a_range_is_sent_as_a_part(void **state) {
    (void)state;
    ask_one("/digits.txt", "Range", "bytes=2-4");
    assert_int_equal(exchange.status, 206);
    assert_body("234");
    assert_int_equal(exchange.length, 3);
    assert_field("Content-Range", "bytes 2-4/10");
    assert_string_equal(exchange.type, "text/plain; charset=utf-8");
    ask_one("/digits.txt", "Range", "bytes=-3");
    assert_body("789");
    assert_field("Content-Range", "bytes 7-9/10");
    ask_one("/digits.txt", "Range", "bytes=8-");
    assert_body("89");
    ask_one("/digits.txt", "Range", "bytes=10-");
    assert_int_equal(exchange.status, 416);
    assert_field("Content-Range", "bytes */10");
}

static void several_ranges_get_the_whole_file(void **state) {
    (void)state;
    ask_one("/digits.txt", "Range", "bytes=0-1,3-4");
    assert_int_equal(exchange.status, 200);
    assert_body("0123456789");
    assert_null(fake_field(&exchange, "Content-Range"));
}

static void head_has_no_range(void **state) {
    (void)state;
    ask_with("HEAD", "/digits.txt", (const tow_header_field[]){{"Range", "bytes=2-4"}, {0}});
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.length, 10);
}

static void a_range_of_another_state_gets_the_whole_file(void **state) {
    (void)state;
    static const tow_header_field other[] = {{"Range", "bytes=2-4"}, {"If-Range", "\"other\""}, {0}};
    ask_with("GET", "/digits.txt", other);
    assert_int_equal(exchange.status, 200);
    static const tow_header_field dated[] = {{"Range", "bytes=2-4"}, {"If-Range", modified_text}, {0}};
    ask_with("GET", "/digits.txt", dated);
    assert_int_equal(exchange.status, 206);
    static const tow_header_field unsatisfiable[] = {{"Range", "bytes=20-"}, {"If-Range", "\"other\""}, {0}};
    ask_with("GET", "/digits.txt", unsatisfiable);
    assert_int_equal(exchange.status, 200);
}

static void conditions_go_before_ranges(void **state) {
    (void)state;
    static const tow_header_field known[] = {{"Range", "bytes=20-"}, {"If-None-Match", "*"}, {0}};
    ask_with("GET", "/digits.txt", known);
    assert_int_equal(exchange.status, 304);
    assert_null(fake_field(&exchange, "Content-Range"));
}

static void shorten(void *user) {
    assert_int_equal(truncate(user, 5), 0);
}

static void a_file_that_gets_shorter_while_it_is_sent_breaks_off(void **state) {
    (void)state;
    char path[2 * FOLDER_PATH_MAX];
    folder_add_file(&made, "root/shrinking", "0123456789");
    snprintf(path, sizeof(path), "%s", folder_path(&made, "root/shrinking"));
    fake_exchange_clear(&exchange);
    exchange = (tow_exchange){.piece = 4, .between = shorten, .between_user = path};
    fake_request_init(&request, handler.user, "GET", "/shrinking", NULL);
    handler.on_request(&exchange, &request);
    assert_int_equal(exchange.length, 10);
    assert_true(exchange.broken);
    assert_int_equal(exchange.body.length, 5);
    exchange.piece = 0;
}

static void a_file_of_the_future_is_of_now(void **state) {
    (void)state;
    folder_add_file(&made, "root/future", "");
    set_time("root/future", fake_wall_seconds + 1000);
    ask("GET", "/future");
    assert_field("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT");
}

static void a_root_that_was_replaced_is_seen(void **state) {
    (void)state;
    tow_files *other;
    folder_add_directory(&made, "first");
    folder_add_directory(&made, "second");
    folder_add_file(&made, "second/new", "new");
    folder_add_link(&made, "current", "first");
    assert_int_equal(tow_files_new(&other, folder_path(&made, "current")), 0);
    tow_handler kept = handler;
    handler = tow_files_handler(other);
    ask("GET", "/new");
    assert_int_equal(exchange.status, 404);
    assert_int_equal(unlink(folder_path(&made, "current")), 0);
    folder_add_link(&made, "current", "second");
    ask("GET", "/new");
    assert_int_equal(exchange.status, 200);
    assert_int_equal(unlink(folder_path(&made, "current")), 0);
    ask("GET", "/new");
    assert_int_equal(exchange.status, 404);
    handler = kept;
    tow_files_free(other);
}

static void a_root_must_be_a_directory(void **state) {
    (void)state;
    tow_files *other = NULL;
    assert_int_equal(tow_files_new(&other, folder_path(&made, "absent")), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(tow_files_new(&other, folder_path(&made, "secret")), TOW_ERROR_ARGUMENT);
    assert_null(other);
    tow_files_free(NULL);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const char *const targets[] = {"/digits.txt", "/list/", "/site", "/nothing"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        int status = 0;
        size_t failed = 0;
        do {
            fake_exchange_clear(&exchange);
            exchange = (tow_exchange){0};
            fake_request_init(&request, handler.user, "GET", targets[i], NULL);
            long outstanding = allocation_outstanding();
            allocation_fail_at(++failed);
            handler.on_request(&exchange, &request);
            bool was_reached = allocation_count() >= failed;
            allocation_fail_at(0);
            status = was_reached ? 0 : exchange.status;
            assert_int_equal(exchange.answers, 1);
            if (was_reached && exchange.status != 503)
                assert_true(exchange.body.length < exchange.length); /* the fake's own buffer failed */
            long kept = (exchange.fields.data != NULL) + (exchange.body.data != NULL);
            assert_int_equal(allocation_outstanding(), outstanding + kept);
        } while (status == 0);
        assert_true(failed > 1);
        assert_true(status == 200 || status == 301 || status == 404);
    }
    tow_files *other = NULL;
    allocation_fail_at(1);
    assert_int_equal(tow_files_new(&other, folder_path(&made, "root")), TOW_ERROR_MEMORY);
    allocation_fail_at(0);
    assert_null(other);
}

static void no_descriptor_is_left_open(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/", "/digits.txt", "/site", "/site/", "/list/", "/odd/", "/nothing", "/fifo", "/out", "/%"};
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        ask("GET", targets[i]);
        ask("HEAD", targets[i]);
        ask_one(targets[i], "If-None-Match", "*");
        ask_one(targets[i], "If-Match", "\"x\"");
        ask_one(targets[i], "Range", "bytes=99-");
    }
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_sent_with_what_is_known_of_it),
        cmocka_unit_test(head_gives_the_same_fields_without_the_body),
        cmocka_unit_test(an_empty_file_is_sent),
        cmocka_unit_test(other_methods_are_told_which_are_allowed),
        cmocka_unit_test(a_directorys_page_is_its_index_or_a_listing),
        cmocka_unit_test(a_directory_without_its_slash_is_redirected_there),
        cmocka_unit_test(no_redirect_leads_to_another_host),
        cmocka_unit_test(what_is_not_to_be_seen_is_not_found),
        cmocka_unit_test(bad_escapes_are_bad_requests),
        cmocka_unit_test(a_file_that_is_known_is_not_sent_again),
        cmocka_unit_test(a_condition_that_fails_is_said_so),
        cmocka_unit_test(a_range_is_sent_as_a_part),
        cmocka_unit_test(several_ranges_get_the_whole_file),
        cmocka_unit_test(head_has_no_range),
        cmocka_unit_test(a_range_of_another_state_gets_the_whole_file),
        cmocka_unit_test(conditions_go_before_ranges),
        cmocka_unit_test(a_file_that_gets_shorter_while_it_is_sent_breaks_off),
        cmocka_unit_test(a_file_of_the_future_is_of_now),
        cmocka_unit_test(a_root_that_was_replaced_is_seen),
        cmocka_unit_test(a_root_must_be_a_directory),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(no_descriptor_is_left_open),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
