#include "secret_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* In one piece of memory, so that nothing is left behind where it grew. */
static int read_all(tow_buffer *text, FILE *file, char *why, size_t size) {
    int error = tow_buffer_reserve_exactly(text, TOW_SECRET_FILE_MAX + 1);
    if (error != 0) {
        snprintf(why, size, "%s", tow_strerror(error));
        return error;
    }
    text->length = fread(text->data, 1, TOW_SECRET_FILE_MAX + 1, file);
    if (ferror(file)) {
        snprintf(why, size, "%s", strerror(errno));
        return TOW_ERROR_SYSTEM;
    }
    if (text->length <= TOW_SECRET_FILE_MAX)
        return 0;
    snprintf(why, size, "it is larger than %d KiB", TOW_SECRET_FILE_MAX / 1024);
    return TOW_ERROR_ARGUMENT;
}

int tow_secret_read(tow_buffer *text, const char *path, char *why, size_t size) {
    FILE *file = fopen(path, "re");
    *text = (tow_buffer){0};
    if (file == NULL) {
        snprintf(why, size, "%s", strerror(errno));
        return TOW_ERROR_SYSTEM;
    }
    int error = read_all(text, file, why, size);
    fclose(file);
    if (error != 0)
        tow_secret_clear(text);
    return error;
}

void tow_secret_clear(tow_buffer *text) {
    if (text->data != NULL)
        OPENSSL_cleanse(text->data, text->length);
    tow_buffer_clear(text);
}

char *tow_secret_copy(const char *text, size_t length, size_t *lines) {
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    *lines = 1;
    for (size_t i = 0; i < length; i++)
        *lines += text[i] == '\n';
    return copy;
}

char *tow_secret_line(char **rest) {
    char *line = *rest;
    size_t length = strcspn(line, "\n");
    *rest = line[length] == '\n' ? line + length + 1 : NULL;
    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
        length--;
    line[length] = '\0';
    return line + strspn(line, " \t");
}
