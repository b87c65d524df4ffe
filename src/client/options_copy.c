/* Copies of options with all that they point to, in one piece of memory: the same walk over the fields first
 * counts the bytes, then copies. */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* `memory` is NULL while counting. */
typedef struct copy_area {
    char *memory;
    size_t used;
} copy_area;

/* Places are aligned for pointers. */
static void *take(copy_area *area, size_t size) {
    void *place = area->memory == NULL ? NULL : area->memory + area->used;
    area->used += (size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
    return place;
}

static const char *copy_text(copy_area *area, const char *text) {
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = take(area, size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static char **copy_protocols(copy_area *area, const char *const *protocols) {
    size_t count = 0;
    while (protocols != NULL && protocols[count] != NULL)
        count++;
    char **copies = take(area, (count + 1) * sizeof(*copies));
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(protocols[i]) + 1;
        char *copy = take(area, size);
        if (copies == NULL)
            continue;
        memcpy(copy, protocols[i], size);
        copies[i] = copy;
    }
    if (copies != NULL)
        copies[count] = NULL;
    return copies;
}

static const tow_header_field *copy_headers(copy_area *area, const tow_header_field *headers) {
    size_t count = 0;
    while (headers != NULL && headers[count].name != NULL)
        count++;
    tow_header_field *copies = take(area, (count + 1) * sizeof(*copies));
    for (size_t i = 0; i < count; i++) {
        tow_header_field copy = {copy_text(area, headers[i].name), copy_text(area, headers[i].value)};
        if (copies != NULL)
            copies[i] = copy;
    }
    if (copies != NULL)
        copies[count] = (tow_header_field){0};
    return copies;
}

/* Every field that points to something has a line here. */
static void copy_all(copy_area *area, tow_websocket_options *copy, const tow_websocket_options *options) {
    *copy = *options;
    copy->protocols = (const char *const *)copy_protocols(area, options->protocols);
    copy->headers = copy_headers(area, options->headers);
    copy->origin = copy_text(area, options->origin);
    copy->proxy = copy_text(area, options->proxy);
    copy->unix_path = copy_text(area, options->unix_path);
    copy->tls_roots = copy_text(area, options->tls_roots);
    copy->tls_revoked = copy_text(area, options->tls_revoked);
    copy->tls_certificate = copy_text(area, options->tls_certificate);
    copy->tls_key = copy_text(area, options->tls_key);
    copy->tls_roots_pem = copy_text(area, options->tls_roots_pem);
    copy->tls_revoked_pem = copy_text(area, options->tls_revoked_pem);
    copy->tls_certificate_pem = copy_text(area, options->tls_certificate_pem);
    copy->tls_key_pem = copy_text(area, options->tls_key_pem);
}

int tow_options_copy_init(tow_options_copy *copy, const tow_websocket_options *options) {
    copy_area counted = {0};
    copy_all(&counted, &copy->options, options);
    copy_area copied = {.memory = malloc(counted.used)};
    if (copied.memory == NULL)
        return TOW_ERROR_MEMORY;
    copy_all(&copied, &copy->options, options);
    copy->memory = copied.memory;
    copy->size = copied.used;
    return 0;
}

/* There may be a key or a password in it. */
void tow_options_copy_clear(tow_options_copy *copy) {
    if (copy->memory != NULL)
        explicit_bzero(copy->memory, copy->size);
    free(copy->memory);
    *copy = (tow_options_copy){0};
}

char **tow_options_copy_protocols(const char *const *protocols) {
    copy_area counted = {0};
    copy_protocols(&counted, protocols);
    copy_area copied = {.memory = malloc(counted.used)};
    return copied.memory == NULL ? NULL : copy_protocols(&copied, protocols);
}
