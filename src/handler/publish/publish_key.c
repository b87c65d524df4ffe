#include "handler/publish_key.h"

#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

enum { KEY_BYTES = 32, LINE = 2 * KEY_BYTES + 1 };

#define FILE_NAME "publish.key"

static int complain(char *why, const char *path, int number) {
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%.200s: %s", path, strerror(number));
    return TOW_ERROR_SYSTEM;
}

/* A variable that has something in it, or NULL. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

char *tow_publish_key_path(char why[TOW_HANDLER_TEXT_MAX]) {
    const char *state = variable("STATE_DIRECTORY"), *local = variable("XDG_STATE_HOME"),
               *home = variable("HOME");
    tow_buffer path = {0};
    int error;
    if (state != NULL) /* systemd names several with colons between them */
        error = tow_buffer_append_format(&path, "%.*s/" FILE_NAME, (int)strcspn(state, ":"), state);
    else if (local != NULL && local[0] == '/')
        error = tow_buffer_append_format(&path, "%s/towline/" FILE_NAME, local);
    else if (home != NULL)
        error = tow_buffer_append_format(&path, "%s/.local/state/towline/" FILE_NAME, home);
    else {
        snprintf(
            why, TOW_HANDLER_TEXT_MAX, "there is no place for a key: STATE_DIRECTORY and HOME are not set");
        return NULL;
    }
    if (error == 0)
        error = tow_buffer_append(&path, "", 1);
    if (error == 0)
        return (char *)path.data;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    tow_buffer_clear(&path);
    return NULL;
}

/* What is missing of the folders above a file; the path is changed meanwhile. */
static int folders_make(char *path, char *why) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int number = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
        int error = number == 0 ? 0 : complain(why, path, number);
        *slash = '/';
        if (error != 0)
            return error;
    }
    return 0;
}

static bool line_make(char line[LINE + 1]) {
    unsigned char key[KEY_BYTES];
    bool is_made = RAND_bytes(key, sizeof(key)) == 1;
    for (size_t i = 0; is_made && i < sizeof(key); i++)
        snprintf(line + 2 * i, 3, "%02x", key[i]);
    line[LINE - 1] = '\n';
    OPENSSL_cleanse(key, sizeof(key));
    return is_made;
}

/* Under a name of its own first, so that nobody finds half of it; who comes second keeps the first one's. */
static int file_make(const char *path, const char *temporary, char *why) {
    char line[LINE + 1];
    if (!line_make(line)) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "there are no random numbers for a key");
        return TOW_ERROR_SYSTEM;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return complain(why, temporary, errno);
    bool is_written = write(fd, line, LINE) == LINE && fsync(fd) == 0;
    OPENSSL_cleanse(line, sizeof(line));
    if (close(fd) != 0 || !is_written || (link(temporary, path) != 0 && errno != EEXIST)) {
        int error = complain(why, path, errno);
        (void)unlink(temporary);
        return error;
    }
    (void)unlink(temporary);
    return 0;
}

int tow_publish_key_make(const char *path, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_buffer text = {0};
    size_t length = strlen(path) + 1;
    if (access(path, F_OK) == 0)
        return 0;
    int error = tow_buffer_append(&text, path, length);
    if (error == 0)
        error = tow_buffer_append_format(&text, "%s.%ld", path, (long)getpid());
    if (error == 0)
        error = tow_buffer_append(&text, "", 1);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    else
        error = folders_make((char *)text.data, why);
    if (error == 0)
        error = file_make(path, (const char *)text.data + length, why);
    tow_buffer_clear(&text);
    return error;
}

/* The first line that is no remark. */
static const char *first_line(char *text) {
    const char *line = "";
    for (char *rest = text; rest != NULL && (line[0] == '\0' || line[0] == '#');)
        line = tow_secret_line(&rest);
    return line[0] == '#' ? "" : line;
}

static int key_take(tow_buffer *key, const tow_buffer *text, char *what, size_t size) {
    size_t lines;
    char *copy = tow_secret_copy((const char *)text->data, text->length, &lines);
    const char *line = copy != NULL ? first_line(copy) : "";
    int error = copy == NULL ? TOW_ERROR_MEMORY : 0;
    if (error == 0 && (line[0] == '\0' || strncmp(line, "sha256:", 7) == 0))
        error = TOW_ERROR_ARGUMENT;
    if (error == 0)
        error = tow_buffer_append(key, line, strlen(line) + 1);
    if (error != 0)
        snprintf(what, size, "%s",
            error == TOW_ERROR_MEMORY ? tow_strerror(error)
                                      : "there is no key in it, or only a digest of one");
    if (copy != NULL)
        OPENSSL_cleanse(copy, text->length);
    free(copy);
    return error;
}

int tow_publish_key_read(tow_buffer *key, const char *path, char why[TOW_HANDLER_TEXT_MAX]) {
    char what[200];
    tow_buffer text;
    *key = (tow_buffer){0};
    int error = tow_secret_read(&text, path, what, sizeof(what));
    if (error == 0)
        error = key_take(key, &text, what, sizeof(what));
    tow_secret_clear(&text);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%.100s: %s", path, what);
    return error;
}

void tow_publish_key_clear(tow_buffer *key) {
    tow_secret_clear(key);
}
