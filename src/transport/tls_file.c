#include "system_error.h"
#include "transport/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { FILE_MAX = 4 * 1024 * 1024 };

static int read_all(FILE *file, char **text) {
    char *memory = malloc(FILE_MAX + 1);
    if (memory == NULL)
        return TOW_ERROR_MEMORY;
    size_t length = fread(memory, 1, FILE_MAX + 1, file);
    int error = ferror(file) ? tow_system_error(errno) : length > FILE_MAX ? TOW_ERROR_CERTIFICATE : 0;
    if (error != 0) {
        free(memory);
        return error;
    }
    memory[length] = '\0';
    *text = memory;
    return 0;
}

int tow_tls_read_file(const char *path, char **text, char why[TOW_TLS_TEXT_MAX]) {
    FILE *file = fopen(path, "re");
    int number = errno;
    int error = file == NULL ? tow_system_error(number) : read_all(file, text);
    if (file != NULL)
        fclose(file);
    if (error != 0)
        snprintf(why, TOW_TLS_TEXT_MAX, "%s: %s", path,
            file == NULL                     ? strerror(number)
            : error == TOW_ERROR_CERTIFICATE ? "too large for a certificate"
                                             : tow_strerror(error));
    return error;
}
