#include "ports.h"

#include "transport/inherited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define DEFAULT_PORT "9998"

bool tow_port_stands_alone(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* An IPv6 literal gets its brackets. */
static bool needs_brackets(const char *host) {
    return strchr(host, ':') != NULL && host[0] != '[';
}

static char *port_make(const char *text, const char *host) {
    tow_buffer out = {0};
    int error = tow_port_stands_alone(text)
                    ? tow_buffer_append_format(&out, needs_brackets(host) ? "[%s]:%s" : "%s:%s", host, text)
                    : tow_buffer_append_text(&out, text);
    if (error == 0)
        error = tow_buffer_append(&out, "", 1);
    if (error != 0)
        tow_buffer_clear(&out);
    return (char *)out.data;
}

int tow_port_check(const char *port) {
    return tow_listen_text_check(port);
}

static int ports_fill(char **ports, const char *const *texts, size_t count, const char *host) {
    for (size_t i = 0; i < count; i++) {
        ports[i] = port_make(texts[i], host);
        int error = ports[i] == NULL ? TOW_ERROR_MEMORY : tow_port_check(ports[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

int tow_ports_make(char ***out, const char *const *texts, const char *host) {
    static const char *const otherwise[] = {DEFAULT_PORT, NULL};
    size_t count = 0;
    if (texts == NULL)
        texts = otherwise;
    while (texts[count] != NULL)
        count++;
    char **ports = calloc(count + 1, sizeof(*ports));
    int error =
        ports == NULL ? TOW_ERROR_MEMORY : ports_fill(ports, texts, count, host != NULL ? host : "localhost");
    if (error != 0) {
        tow_ports_free(ports);
        return error;
    }
    *out = ports;
    return 0;
}

void tow_ports_free(char **ports) {
    for (size_t i = 0; ports != NULL && ports[i] != NULL; i++)
        free(ports[i]);
    free(ports);
}

void tow_port_name(const char *port, int number, char out[TOW_PORT_NAME_MAX]) {
    const char *colon = strrchr(port, ':');
    size_t host = colon != NULL ? (size_t)(colon - port) : 0;
    bool every = host == 0 || (host == 1 && port[0] == '*') || strncmp(port, "0.0.0.0:", 8) == 0 ||
                 strncmp(port, "[::]:", 5) == 0;
    if (strncmp(port, "unix:", 5) == 0)
        snprintf(out, TOW_PORT_NAME_MAX, "%s", port);
    else if (every)
        snprintf(out, TOW_PORT_NAME_MAX, "localhost:%d", number);
    else
        snprintf(out, TOW_PORT_NAME_MAX, "%.*s:%d", (int)host, port, number);
}
