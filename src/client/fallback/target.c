#include "target.h"

#include "../http/request.h"
#include "../options.h"
#include "http/credentials.h"
#include "http/percent.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* "/a" and "/a/" have the same session's path. */
static int write_place(tow_target *target, const tow_url *url) {
    size_t path = strcspn(url->target, "?");
    if (path > 0 && url->target[path - 1] == '/')
        path--;
    target->is_secure = url->secure;
    int error = tow_buffer_append_format(&target->place, "%s%.*s", url->authority, (int)path, url->target);
    return error != 0 ? error : tow_buffer_append(&target->place, "/engine.io/?EIO=4", 18);
}

static int write_protocols(tow_buffer *out, const char *const *protocols) {
    int error = 0;
    for (size_t i = 0; error == 0 && protocols != NULL && protocols[i] != NULL; i++) {
        error = tow_buffer_append_text(out, i == 0 ? "&protocols=" : ",");
        if (error == 0)
            error = tow_percent_append(out, tow_slice_from(protocols[i]), "");
    }
    return error;
}

/* The query of the WebSocket's URL goes along. */
static int write_beginning(tow_target *target, const tow_url *url, const tow_websocket_options *options) {
    const char *query = strchr(url->target, '?');
    tow_buffer *out = &target->beginning;
    int error = tow_buffer_append_text(out, "towline=1");
    if (error == 0)
        error = write_protocols(out, options->protocols);
    if (error == 0 && query != NULL && query[1] != '\0')
        error = tow_buffer_append_format(out, "&%s", query + 1);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static int write_credentials(tow_target *target, const tow_url *url, const tow_websocket_options *options) {
    if (url->user == NULL || tow_options_header(options, "Authorization") != NULL)
        return 0;
    int error = tow_basic_append(&target->credentials, url->user, url->password);
    return error != 0 ? error : tow_buffer_append(&target->credentials, "", 1);
}

/* Those of a connection were for the one that failed. */
static int make_fields(tow_target *target, const tow_websocket_options *options) {
    const tow_header_field *given = options->headers;
    size_t count = 0;
    while (given != NULL && given[count].name != NULL)
        count++;
    target->post = calloc(count + 4, sizeof(*target->post));
    if (target->post == NULL)
        return TOW_ERROR_MEMORY;
    target->post[0] = (tow_header_field){"Content-Type", "text/plain; charset=UTF-8"};
    target->fields = target->post + 1;
    count = 0;
    for (; given != NULL && given->name != NULL; given++)
        if (!tow_http_field_is_ours(given->name))
            target->fields[count++] = *given;
    if (options->origin != NULL)
        target->fields[count++] = (tow_header_field){"Origin", options->origin};
    if (target->credentials.length > 0)
        target->fields[count] = (tow_header_field){"Authorization", (const char *)target->credentials.data};
    return 0;
}

int tow_target_init(tow_target *target, const tow_url *url, const tow_websocket_options *options) {
    *target = (tow_target){0};
    int error = write_place(target, url);
    if (error == 0)
        error = write_beginning(target, url, options);
    if (error == 0)
        error = write_credentials(target, url, options);
    if (error == 0)
        error = make_fields(target, options);
    if (error != 0)
        tow_target_clear(target);
    return error;
}

int tow_target_write(const tow_target *target, tow_buffer *out, bool is_websocket, const char *query) {
    const char *scheme = is_websocket ? "ws" : "http";
    int error =
        tow_buffer_append_format(out, "%s%s://%s&transport=%s&%s", scheme, target->is_secure ? "s" : "",
            (const char *)target->place.data, is_websocket ? "websocket" : "polling", query);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

/* A password may be in it. */
void tow_target_clear(tow_target *target) {
    if (target->credentials.length > 0)
        explicit_bzero(target->credentials.data, target->credentials.length);
    tow_buffer_clear(&target->place);
    tow_buffer_clear(&target->beginning);
    tow_buffer_clear(&target->credentials);
    free(target->post);
    *target = (tow_target){0};
}
