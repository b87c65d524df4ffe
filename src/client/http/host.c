#include "host.h"

#include <stdlib.h>
#include <string.h>

static bool is_same_text(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool is_same(const tow_http_host *host, const tow_url *url, const char *unix_path) {
    return host->is_secure == url->secure && host->place.port == url->port &&
           strcmp(host->place.host, url->host) == 0 && is_same_text(host->place.unix_path, unix_path);
}

static tow_http_host *find(const tow_ring *hosts, const tow_url *url, const char *unix_path) {
    for (tow_ring *link = hosts->next; link != hosts; link = link->next) {
        tow_http_host *host = (tow_http_host *)(void *)link;
        if (is_same(host, url, unix_path))
            return host;
    }
    return NULL;
}

static tow_http_host *host_new(const tow_url *url, const char *unix_path) {
    size_t host_size = strlen(url->host) + 1;
    size_t path_size = unix_path == NULL ? 0 : strlen(unix_path) + 1;
    tow_http_host *host = calloc(1, sizeof(*host) + host_size + path_size);
    if (host == NULL)
        return NULL;
    char *texts = (char *)(host + 1);
    memcpy(texts, url->host, host_size);
    host->place = (tow_place){.host = texts, .port = url->port};
    host->is_secure = url->secure;
    if (unix_path != NULL)
        host->place.unix_path = memcpy(texts + host_size, unix_path, path_size);
    return host;
}

tow_http_host *tow_http_host_take(tow_ring *hosts, const tow_url *url, const char *unix_path) {
    tow_http_host *host = find(hosts, url, unix_path);
    if (host == NULL && (host = host_new(url, unix_path)) != NULL)
        tow_ring_add_behind(hosts, &host->in_client);
    if (host != NULL)
        host->users++;
    return host;
}

void tow_http_host_give(tow_http_host *host) {
    if (--host->users > 0)
        return;
    tow_ring_remove(&host->in_client);
    free(host);
}
