#include "listing.h"

#include "beneath.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <towline/error.h>
#include <unistd.h>

typedef struct entry {
    int64_t size;
    time_t modified;
    bool is_directory;
    char name[];
} entry;

struct tow_listing {
    int root;
    DIR *directory;  /* NULL when it is read to its end */
    entry **entries; /* in the order of the page */
    size_t count;
    size_t capacity;
    size_t names;   /* bytes that the entries take */
    bool is_cut;    /* there were more */
    size_t written; /* of the entries */
    tow_buffer page;
    char name[]; /* of the directory */
};

static void end_reading(tow_listing *list) {
    if (list->directory != NULL)
        closedir(list->directory);
    list->directory = NULL;
}

static void entries_free(tow_listing *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i]);
    free(list->entries);
    list->entries = NULL;
    list->names = list->count = list->capacity = 0;
}

void tow_listing_free(tow_listing *list) {
    if (list == NULL)
        return;
    end_reading(list);
    if (list->root >= 0)
        close(list->root);
    entries_free(list);
    tow_buffer_clear(&list->page);
    free(list);
}

/* Gathering. */

/* Where a link leads, if it stays inside. */
static bool link_stat(const tow_listing *list, const char *name, struct stat *status) {
    char path[2 * TOW_FILE_PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s%s%s", list->name, *list->name != '\0' ? "/" : "", name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return false;
    int fd = tow_open_beneath(list->root, path, O_PATH);
    bool found = fd >= 0 && fstat(fd, status) == 0;
    if (fd >= 0)
        close(fd);
    return found;
}

/* Whether a name would be served, and as what. */
static bool is_shown(const tow_listing *list, int directory, const char *name, struct stat *status) {
    if (name[0] == '.' || fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISLNK(status->st_mode) && !link_stat(list, name, status))
        return false;
    return S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
}

/* Directories first; by name without regard to case, then with. */
static int entry_compare(const entry *left, const entry *right) {
    if (left->is_directory != right->is_directory)
        return left->is_directory ? -1 : 1;
    int order = strcasecmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static size_t place_of(const tow_listing *list, const entry *one) {
    size_t first = 0;
    size_t end = list->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (entry_compare(list->entries[middle], one) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static int entries_reserve(tow_listing *list) {
    if (list->count < list->capacity)
        return 0;
    size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    entry **entries = realloc(list->entries, capacity * sizeof(entry *));
    if (entries == NULL)
        return TOW_ERROR_MEMORY;
    list->entries = entries;
    list->capacity = capacity;
    return 0;
}

/* In its place: sorting at the end would be a long step. */
static int entry_add(tow_listing *list, const char *name, const struct stat *status) {
    size_t length = strlen(name);
    entry *one = entries_reserve(list) == 0 ? malloc(sizeof(*one) + length + 1) : NULL;
    if (one == NULL)
        return TOW_ERROR_MEMORY;
    one->size = status->st_size;
    one->modified = status->st_mtim.tv_sec;
    one->is_directory = S_ISDIR(status->st_mode);
    memcpy(one->name, name, length + 1);
    size_t place = place_of(list, one);
    memmove(&list->entries[place + 1], &list->entries[place], (list->count - place) * sizeof(entry *));
    list->entries[place] = one;
    list->count++;
    list->names += sizeof(void *) + sizeof(*one) + length + 1;
    return 0;
}

static int look_at(tow_listing *list, const char *name) {
    struct stat status;
    if (!is_shown(list, dirfd(list->directory), name, &status))
        return 0;
    list->is_cut = list->count == TOW_LISTING_MAX;
    return list->is_cut ? 0 : entry_add(list, name, &status);
}

static int append_head(tow_buffer *page, const tow_listing *list);

static int gather(tow_listing *list) {
    for (int i = 0; i < TOW_LISTING_STEP; i++) {
        const struct dirent *next = list->is_cut ? NULL : readdir(list->directory);
        if (next == NULL) {
            end_reading(list);
            return append_head(&list->page, list);
        }
        int error = look_at(list, next->d_name);
        if (error != 0)
            return error;
    }
    return 0;
}

/* Writing. */

static const char page_begin[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --text: #1c2024; --quiet: #60666e; --line: #e2e5e9; --link: #0b5cad; "
    "--back: #fff; --row: #f4f6f8; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --text: #e6e8eb; --quiet: #9aa2ab; --line: #30353b; --link: #7ab8ff; --back: #16191d; --row: "
    "#1f2429; }\n"
    "}\n"
    "body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }\n"
    "main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }\n"
    "h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }\n"
    "table { width: 100%; border-collapse: collapse; }\n"
    "th, td { padding: .4rem .5rem; text-align: left; border-bottom: 1px solid var(--line); }\n"
    "th, .size, .date { color: var(--quiet); font-size: .875rem; font-weight: 400; }\n"
    "td { overflow-wrap: anywhere; }\n"
    "tbody tr:hover { background: var(--row); }\n"
    ".size, .date { white-space: nowrap; font-variant-numeric: tabular-nums; }\n"
    ".size { text-align: right; }\n"
    "a { color: var(--link); text-decoration: none; }\n"
    "a:hover, a:focus-visible { text-decoration: underline; }\n"
    "p { color: var(--quiet); }\n"
    "@media (max-width: 36rem) {\n"
    "  thead { display: none; }\n"
    "  tr { display: flex; flex-wrap: wrap; padding: .35rem 0; border-bottom: 1px solid var(--line); }\n"
    "  td { padding: .1rem .25rem; border: 0; }\n"
    "  .name { flex: 0 0 100%; box-sizing: border-box; }\n"
    "  td:empty { display: none; }\n"
    "}\n"
    "</style>\n";

static const char parent[] = "<tr><td class=\"name\"><a href=\"../\">../</a></td><td class=\"size\"></td>"
                             "<td class=\"date\"></td></tr>\n";

static const char table_begin[] = "<table>\n"
                                  "<thead><tr><th class=\"name\">Name</th><th class=\"size\">Size</th>"
                                  "<th class=\"date\">Modified (UTC)</th></tr></thead>\n"
                                  "<tbody>\n";

/* What stands for a character in HTML; control characters, which it can't have, become U+FFFD. NULL: the
 * character itself. */
static const char *html_escape(char character) {
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return ((unsigned char)character < ' ' || character == 127) ? "\xef\xbf\xbd" : NULL;
    }
}

static int append_escaped(tow_buffer *page, const char *text) {
    int error = 0;
    for (; *text != '\0' && error == 0; text++) {
        const char *escape = html_escape(*text);
        error = escape != NULL ? tow_buffer_append_text(page, escape) : tow_buffer_append(page, text, 1);
    }
    return error;
}

static int append_size(tow_buffer *page, int64_t size) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (size < 1024)
        return tow_buffer_append_format(page, "%" PRId64 " B", size);
    size_t unit = 0;
    double value = (double)size / 1024;
    for (; value >= 999.95; unit++)
        value /= 1024;
    return tow_buffer_append_format(page, "%.1f %s", value, units[unit]);
}

static int append_date(tow_buffer *page, time_t modified) {
    char text[40] = "";
    struct tm parts;
    if (gmtime_r(&modified, &parts) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts);
    return tow_buffer_append_text(page, text);
}

static int append_entry(tow_buffer *page, const entry *shown) {
    const char *slash = shown->is_directory ? "/" : "";
    int error = tow_buffer_append_text(page, "<tr><td class=\"name\"><a href=\"./");
    if (error == 0)
        error = tow_path_segment_append(page, shown->name);
    if (error == 0)
        error = tow_buffer_append_format(page, "%s\"><bdi>", slash);
    if (error == 0)
        error = append_escaped(page, shown->name);
    if (error == 0)
        error = tow_buffer_append_format(page, "</bdi>%s</a></td><td class=\"size\">", slash);
    if (error == 0 && !shown->is_directory)
        error = append_size(page, shown->size);
    if (error == 0)
        error = tow_buffer_append_text(page, "</td><td class=\"date\">");
    if (error == 0)
        error = append_date(page, shown->modified);
    return error == 0 ? tow_buffer_append_text(page, "</td></tr>\n") : error;
}

static int append_title(tow_buffer *page, const char *name) {
    int error = append_escaped(page, name);
    return error == 0 && *name != '\0' ? tow_buffer_append_text(page, "/") : error;
}

static int append_head(tow_buffer *page, const tow_listing *list) {
    int error = tow_buffer_append_text(page, page_begin);
    if (error == 0)
        error = tow_buffer_append_text(page, "<title>/");
    if (error == 0)
        error = append_title(page, list->name);
    if (error == 0)
        error = tow_buffer_append_text(page, "</title>\n</head>\n<body>\n<main>\n<h1>/");
    if (error == 0)
        error = append_title(page, list->name);
    if (error == 0)
        error = tow_buffer_append_text(page, "</h1>\n");
    if (error == 0)
        error = tow_buffer_append_text(page, table_begin);
    return error == 0 && *list->name != '\0' ? tow_buffer_append_text(page, parent) : error;
}

static int append_tail(tow_buffer *page, const tow_listing *list) {
    int error = tow_buffer_append_text(page, "</tbody>\n</table>\n");
    if (error == 0 && list->count == 0)
        error = tow_buffer_append_text(page, "<p>Nothing here.</p>\n");
    if (error == 0 && list->is_cut)
        error = tow_buffer_append_format(page, "<p>Only %d of the names are shown.</p>\n", TOW_LISTING_MAX);
    return error == 0 ? tow_buffer_append_text(page, "</main>\n</body>\n</html>\n") : error;
}

/* Writes more rows, and the end behind the last. Returns as tow_listing_step. */
static int write_rows(tow_listing *list) {
    size_t left = list->count - list->written;
    size_t end = list->written + (left < TOW_LISTING_STEP ? left : TOW_LISTING_STEP);
    int error = 0;
    while (error == 0 && list->written < end)
        error = append_entry(&list->page, list->entries[list->written++]);
    if (error != 0 || list->written < list->count)
        return error != 0 ? error : 1;
    error = append_tail(&list->page, list);
    entries_free(list); /* the page may wait long for its reader */
    return error;
}

int tow_listing_step(tow_listing *list) {
    if (list->directory == NULL)
        return write_rows(list);
    int error = gather(list);
    return error != 0 ? error : 1;
}

const tow_buffer *tow_listing_page(const tow_listing *list) {
    return &list->page;
}

size_t tow_listing_size(const tow_listing *list) {
    return list->names + list->page.length;
}

static int open_directory(tow_listing *list, int root) {
    int fd = tow_open_beneath(root, list->name, O_DIRECTORY);
    if (fd < 0)
        return fd;
    list->directory = fdopendir(fd);
    if (list->directory == NULL) {
        close(fd);
        return errno == ENOMEM ? TOW_ERROR_MEMORY : TOW_ERROR_SYSTEM;
    }
    list->root = fcntl(root, F_DUPFD_CLOEXEC, 0);
    return list->root < 0 ? TOW_ERROR_DESCRIPTORS : 0;
}

int tow_listing_new(tow_listing **out, int root, const char *name) {
    size_t length = strlen(name);
    tow_listing *list = calloc(1, sizeof(*list) + length + 1);
    if (list == NULL)
        return TOW_ERROR_MEMORY;
    list->root = -1;
    memcpy(list->name, name, length + 1);
    int error = open_directory(list, root);
    if (error != 0)
        tow_listing_free(list);
    else
        *out = list;
    return error;
}
