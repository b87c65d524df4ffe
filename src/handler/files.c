#include "handler/files.h"

#include "beneath.h"
#include "file.h"
#include "listing.h"
#include "path.h"
#include "reply.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

/* What pages of directories hold that are being made, or sent to clients that take their time: more get 503.
 */
enum { LISTED_MAX = 64 * 1024 * 1024 };

struct tow_files {
    char *root;           /* stands behind the struct */
    size_t prefix;        /* how much of a request's path is the route's own, but for its last slash */
    atomic_size_t listed; /* bytes of all listings, of all workers */
};

/* A request under way. */
typedef struct visit {
    tow_exchange *exchange;
    const tow_request *request;
    tow_files *files;
    int root;
    tow_file_path path;
} visit;

static void error_answer(const visit *now, int error) {
    tow_reply_status(now->exchange, tow_status_of_error(error));
}

/* RFC 9110, section 15.5.6. */
static void method_answer(tow_exchange *exchange) {
    int error = tow_exchange_field(exchange, "Allow", "GET, HEAD");
    tow_reply_status(exchange, error == 0 ? 405 : tow_status_of_error(error));
}

/* Where a directory's page is: at its own name with a slash behind, so that relative links in it work. The
 * reference is relative to the path, and begins with "./": no name can make another host or scheme of it. */
static int location_append(tow_buffer *location, const visit *now) {
    const char *query = tow_request_query(now->request);
    int error = tow_buffer_append_text(location, "./");
    if (error == 0)
        error = tow_path_segment_append(location, tow_file_path_last(&now->path));
    if (error == 0)
        error = tow_buffer_append_format(location, "/%s%s", *query != '\0' ? "?" : "", query);
    return error == 0 ? tow_buffer_append(location, "", 1) : error; /* the final zero */
}

static void slash_answer(const visit *now) {
    tow_buffer location = {0};
    int error = location_append(&location, now);
    if (error == 0)
        error = tow_exchange_field(now->exchange, "Location", (const char *)location.data);
    tow_reply_status(now->exchange, error == 0 ? 301 : tow_status_of_error(error));
    tow_buffer_clear(&location);
}

/* The page of a directory, on its way to one client. */
typedef struct page_answer {
    tow_files *files;
    tow_listing *listing;
    size_t listed; /* its part of files->listed */
    size_t sent;
} page_answer;

/* Whether there is room for what the listing is now. */
static bool page_count(page_answer *answer) {
    size_t more = tow_listing_size(answer->listing) - answer->listed; /* modulo SIZE_MAX + 1 */
    answer->listed += more;
    return atomic_fetch_add(&answer->files->listed, more) + more <= LISTED_MAX;
}

static int64_t page_read(void *user, void *out, size_t length) {
    page_answer *answer = user;
    const tow_buffer *page = tow_listing_page(answer->listing);
    memcpy(out, page->data + answer->sent, length);
    answer->sent += length;
    return (int64_t)length;
}

static int page_send(tow_exchange *exchange, page_answer *answer) {
    static const tow_header_field fields[] = {
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
        {"X-Content-Type-Options", "nosniff"},
    };
    const tow_body_source source = {.read = page_read, .user = answer};
    int error = tow_reply_fields(exchange, fields, sizeof(fields) / sizeof(*fields));
    return error != 0 ? error
                      : tow_exchange_stream(exchange, 200, "text/html; charset=utf-8",
                            tow_listing_page(answer->listing)->length, &source);
}

static bool page_step(tow_exchange *exchange, void *user) {
    page_answer *answer = user;
    int result = tow_listing_step(answer->listing);
    if (!page_count(answer) && result >= 0)
        result = TOW_ERROR_MEMORY;
    if (result == 0)
        result = page_send(exchange, answer);
    if (result < 0)
        tow_reply_status(exchange, tow_status_of_error(result));
    return result > 0;
}

static void page_free(void *user) {
    page_answer *answer = user;
    atomic_fetch_sub(&answer->files->listed, answer->listed);
    tow_listing_free(answer->listing);
    free(answer);
}

static void listing_answer(const visit *now) {
    page_answer *answer = calloc(1, sizeof(*answer));
    int error =
        answer == NULL ? TOW_ERROR_MEMORY : tow_listing_new(&answer->listing, now->root, now->path.name);
    if (error != 0) {
        free(answer);
        error_answer(now, error);
        return;
    }
    answer->files = now->files;
    tow_exchange_answer_by(
        now->exchange, &(tow_exchange_work){.step = page_step, .free = page_free, .user = answer});
}

/* Opens a name below the root and looks what it is. A descriptor or an error. */
static int name_open(const visit *now, const char *name, struct stat *file) {
    int fd = tow_open_beneath(now->root, name, 0);
    if (fd >= 0 && fstat(fd, file) != 0) {
        close(fd);
        return TOW_ERROR_SYSTEM;
    }
    return fd;
}

/* A directory: its index.html, else what is in it. */
static void directory_answer(const visit *now) {
    char name[TOW_FILE_PATH_MAX + sizeof("/index.html")];
    snprintf(name, sizeof(name), "%s%sindex.html", now->path.name, *now->path.name != '\0' ? "/" : "");
    struct stat file;
    int fd = name_open(now, name, &file);
    if (fd >= 0 && S_ISREG(file.st_mode)) {
        tow_file_answer(now->exchange, now->request, name, fd, &file);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || fd == TOW_ERROR_NAME_NOT_FOUND)
        listing_answer(now);
    else
        error_answer(now, fd);
}

static void name_answer(const visit *now) {
    struct stat file;
    int fd = name_open(now, now->path.name, &file);
    if (fd < 0) {
        error_answer(now, fd);
        return;
    }
    if (S_ISREG(file.st_mode)) {
        tow_file_answer(now->exchange, now->request, now->path.name, fd, &file);
        return;
    }
    close(fd);
    if (S_ISDIR(file.st_mode))
        slash_answer(now);
    else
        tow_reply_status(now->exchange, 404); /* a FIFO, a device: nothing to send */
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    tow_files *files = tow_request_user(request);
    const char *method = tow_request_method(request);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        method_answer(exchange);
        return;
    }
    visit now = {.exchange = exchange, .request = request, .files = files};
    int status = tow_file_path_read(&now.path, tow_request_path(request) + files->prefix);
    if (status != 0) {
        tow_reply_status(exchange, status);
        return;
    }
    now.root = tow_root_open(files->root);
    if (now.root < 0) {
        error_answer(&now, now.root);
        return;
    }
    if (now.path.ends_with_slash)
        directory_answer(&now);
    else
        name_answer(&now);
    close(now.root);
}

int tow_files_new(tow_files **files, const char *root) {
    int fd = tow_root_open(root);
    if (fd < 0)
        return fd;
    close(fd);
    size_t length = strlen(root);
    tow_files *made = malloc(sizeof(*made) + length + 1);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->root = memcpy(made + 1, root, length + 1);
    made->prefix = 0;
    atomic_init(&made->listed, 0);
    *files = made;
    return 0;
}

void tow_files_free(tow_files *files) {
    free(files);
}

tow_handler tow_files_handler(tow_files *files) {
    return (tow_handler){.user = files, .on_request = on_request};
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const char *root = ((const tow_files_settings *)settings)->root;
    size_t length = place->path != NULL ? strlen(place->path) : 0;
    tow_files *files = NULL;
    bool below = length == 0 || place->path[length - 1] == '*';
    int error = root == NULL || !below ? TOW_ERROR_ARGUMENT : tow_files_new(&files, root);
    if (root == NULL)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "say whose files: a root");
    else if (!below)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "a folder is served below a path: write %.200s%s*", place->path,
            place->path[length - 1] == '/' ? "" : "/");
    else if (error == TOW_ERROR_NAME_NOT_FOUND || error == TOW_ERROR_ARGUMENT)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "'%s' is not a folder", root);
    else if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s: %s", root, tow_strerror(error));
    if (error != 0)
        return error;
    files->prefix = length > 2 ? length - 2 : 0;
    *handler = tow_files_handler(files);
    return 0;
}

static void free_made(void *user) {
    tow_files_free(user);
}

const tow_option tow_files_rows[] = {
    {.group = "What is served",
        .name = "document-root",
        .letter = 'd',
        .kind = TOW_OPTION_TEXT,
        .value = "DIR",
        .note = "none",
        .help = "folder of static files to serve at /",
        .needs = TOW_OPTION_NEEDS_SERVER,
        .path = TOW_OPTION_PATH,
        TOW_OPTION_FIELD(tow_files_settings, root)},
    {0},
};

static const tow_option kind_rows[] = {
    {.name = "root",
        .kind = TOW_OPTION_TEXT,
        .value = "DIR",
        .note = "none",
        .help = "folder whose files are served below the route's path",
        .path = TOW_OPTION_PATH,
        TOW_OPTION_FIELD(tow_files_settings, root)},
    {0},
};

const tow_handler_kind tow_files_kind = {
    .name = "files", .options = kind_rows, .make = make, .free = free_made};
