#include "../unit.h"

#include "beneath.h"
#include "folder.h"
#include "listing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static folder made;
static int root;

static int make(void **state) {
    (void)state;
    folder_make(&made);
    root = tow_root_open(made.path);
    return root < 0;
}

static int clear(void **state) {
    (void)state;
    close(root);
    folder_remove(&made);
    return 0;
}

static int steps; /* that the last page took */

/* The page, zero-terminated; the caller frees it. */
static char *page_of(const char *name) {
    tow_listing *listing;
    int result = 1;
    assert_int_equal(tow_listing_new(&listing, root, name), 0);
    for (steps = 0; result == 1; steps++)
        result = tow_listing_step(listing);
    assert_int_equal(result, 0);
    const tow_buffer *page = tow_listing_page(listing);
    char *text = strndup((const char *)page->data, page->length);
    tow_listing_free(listing);
    return text;
}

static void assert_shows(const char *page, const char *text) {
    if (strstr(page, text) == NULL)
        fail_msg("\"%s\" is not in %s", text, strstr(page, "<body>"));
}

static void assert_shows_not(const char *page, const char *text) {
    if (strstr(page, text) != NULL)
        fail_msg("\"%s\" is in %s", text, strstr(page, "<body>"));
}

static void an_empty_directory_says_so(void **state) {
    (void)state;
    char *page = page_of("");
    assert_shows(page, "<p>Nothing here.</p>");
    assert_shows(page, "<title>/</title>");
    assert_shows_not(page, "../");
    free(page);
}

static void names_sizes_and_dates_are_shown_directories_first(void **state) {
    (void)state;
    folder_add_directory(&made, "order");
    folder_add_file(&made, "order/b.txt", "12345");
    folder_add_file(&made, "order/A.txt", "");
    folder_add_directory(&made, "order/z");
    const struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(&made, "order/b.txt"), times, 0), 0);
    char *page = page_of("order");
    assert_shows(page, "<h1>/order/</h1>");
    const char *parent = strstr(page, "<a href=\"../\">");
    const char *directory = strstr(page, "<a href=\"./z/\"><bdi>z</bdi>/</a></td><td class=\"size\"></td>");
    const char *first =
        strstr(page, "<a href=\"./A.txt\"><bdi>A.txt</bdi></a></td><td class=\"size\">0 B</td>");
    const char *second =
        strstr(page, "<a href=\"./b.txt\"><bdi>b.txt</bdi></a></td><td class=\"size\">5 B</td>"
                     "<td class=\"date\">1994-11-06 08:49</td>");
    assert_true(parent != NULL && parent < directory && directory < first && first < second);
    free(page);
}

static void sizes_have_units(void **state) {
    (void)state;
    static const struct {
        int64_t size;
        const char *text;
    } cases[] = {{1023, ">1023 B<"}, {1024, ">1.0 KiB<"}, {1536, ">1.5 KiB<"}, {1024 * 1024 - 1, ">1.0 MiB<"},
        {INT64_C(5) << 30, ">5.0 GiB<"}};
    folder_add_directory(&made, "sizes");
    folder_add_file(&made, "sizes/file", "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(truncate(folder_path(&made, "sizes/file"), cases[i].size), 0);
        char *page = page_of("sizes");
        assert_shows(page, cases[i].text);
        free(page);
    }
}

static void names_are_escaped_in_text_and_links(void **state) {
    (void)state;
    folder_add_directory(&made, "<b>&\"'");
    folder_add_file(&made, "<b>&\"'/<script>alert('&\"')", "");
    folder_add_file(&made, "<b>&\"'/a b?c#d%e:f\\g", "");
    folder_add_file(&made, "<b>&\"'/line\nbreak\x7f", "");
    char *page = page_of("<b>&\"'");
    assert_shows(page, "<h1>/&lt;b&gt;&amp;&quot;&#39;/</h1>");
    assert_shows(page, "<title>/&lt;b&gt;&amp;&quot;&#39;/</title>");
    assert_shows(page,
        "<a "
        "href=\"./%3Cscript%3Ealert%28%27%26%22%27%29\"><bdi>&lt;script&gt;alert(&#39;&amp;&quot;&#39;)</"
        "bdi></a>");
    assert_shows(page, "<a href=\"./a%20b%3Fc%23d%25e%3Af%5Cg\"><bdi>a b?c#d%e:f\\g</bdi></a>");
    assert_shows(page, "<a href=\"./line%0Abreak%7F\"><bdi>line\xef\xbf\xbd"
                       "break\xef\xbf\xbd</bdi></a>");
    assert_shows_not(page, "<script>");
    free(page);
}

static void only_what_would_be_served_is_shown(void **state) {
    (void)state;
    folder_add_directory(&made, "mixed");
    folder_add_file(&made, "mixed/.hidden", "");
    folder_add_file(&made, "mixed/file", "123");
    folder_add_directory(&made, "mixed/directory");
    folder_add_link(&made, "mixed/link-file", "file");
    folder_add_link(&made, "mixed/link-directory", "directory");
    folder_add_link(&made, "mixed/link-out", "/etc/passwd");
    folder_add_link(&made, "mixed/link-up", "../../..");
    folder_add_link(&made, "mixed/link-broken", "nothing");
    assert_int_equal(mkfifo(folder_path(&made, "mixed/fifo"), 0600), 0);
    char *page = page_of("mixed");
    assert_shows(page, "./link-file\"><bdi>link-file</bdi></a></td><td class=\"size\">3 B<");
    assert_shows(page, "./link-directory/\"");
    static const char *const absent[] = {".hidden", "link-out", "link-up", "link-broken", "fifo"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
        assert_shows_not(page, absent[i]);
    free(page);
}

static void a_large_directory_is_cut_and_says_so(void **state) {
    (void)state;
    folder_add_directory(&made, "many");
    for (int i = 0; i < TOW_LISTING_MAX + 1; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many/%05d", i);
        folder_add_file(&made, name, "");
        if (i == TOW_LISTING_MAX - 1) {
            char *page = page_of("many");
            assert_shows_not(page, "names are shown");
            assert_shows(page, ">09999<");
            free(page);
        }
    }
    char *page = page_of("many");
    assert_shows(page, "<p>Only 10000 of the names are shown.</p>");
    free(page);
}

static void what_is_no_directory_is_not_listed(void **state) {
    (void)state;
    tow_listing *listing;
    folder_add_file(&made, "plain", "");
    assert_int_equal(tow_listing_new(&listing, root, "plain"), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(tow_listing_new(&listing, root, "nothing"), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(tow_listing_new(&listing, root, "../"), TOW_ERROR_NAME_NOT_FOUND);
}

/* Names that are not shown are work as well. */
static void a_step_looks_at_a_bounded_number_of_names(void **state) {
    (void)state;
    enum { SHOWN = 3 * TOW_LISTING_STEP + 1, HIDDEN = 5 * TOW_LISTING_STEP };
    folder_add_directory(&made, "steps");
    for (int i = 0; i < SHOWN + HIDDEN; i++) {
        char name[32];
        snprintf(name, sizeof(name), "steps/%s%04d", i < SHOWN ? "" : ".", i);
        folder_add_file(&made, name, "");
    }
    char *page = page_of("steps");
    const char *at = page;
    for (int i = 0; i < SHOWN; i++) {
        char row[32];
        snprintf(row, sizeof(row), "<bdi>%04d</bdi>", i);
        at = strstr(at, row); /* in order */
        assert_non_null(at);
    }
    const int names = SHOWN + HIDDEN + 2; /* with . and .. */
    assert_true(steps >= names / TOW_LISTING_STEP + SHOWN / TOW_LISTING_STEP);
    free(page);
    tow_listing *listing; /* may be given up after any step */
    assert_int_equal(tow_listing_new(&listing, root, "steps"), 0);
    assert_int_equal(tow_listing_step(listing), 1);
    tow_listing_free(listing);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_directory_says_so),
        cmocka_unit_test(names_sizes_and_dates_are_shown_directories_first),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(names_are_escaped_in_text_and_links),
        cmocka_unit_test(only_what_would_be_served_is_shown),
        cmocka_unit_test(a_large_directory_is_cut_and_says_so),
        cmocka_unit_test(what_is_no_directory_is_not_listed),
        cmocka_unit_test(a_step_looks_at_a_bounded_number_of_names),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
