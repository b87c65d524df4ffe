#include "listening.h"

#include "report.h"
#include "transport/listener.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static size_t list_length(char *const *list) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

/* Adds the addresses of one text. */
static int group_add(tow_sites *sites, const char *text, size_t group, bool status) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = tow_address_parse(text, addresses);
    if (count < 0)
        return count;
    for (int i = 0; i < count; i++)
        sites->items[sites->count++] =
            (tow_site){.address = addresses[i], .text = text, .group = group, .status = status, .fd = -1};
    return 0;
}

static int sites_make(tow_sites *sites, const tow_settings *settings) {
    size_t listens = list_length(settings->listens);
    size_t texts = listens + list_length(settings->status);
    if (texts == 0)
        return TOW_ERROR_ARGUMENT;
    sites->items = calloc(texts * TOW_ADDRESSES_MAX, sizeof(*sites->items));
    if (sites->items == NULL)
        return TOW_ERROR_MEMORY;
    int error = 0;
    for (size_t i = 0; error == 0 && i < texts; i++)
        error = group_add(
            sites, i < listens ? settings->listens[i] : settings->status[i - listens], i, i >= listens);
    return error;
}

static void sites_close(tow_sites *sites, tow_loop *loop) {
    for (size_t i = 0; i < sites->count; i++) {
        tow_site *site = &sites->items[i];
        if (site->fd >= 0)
            tow_loop_discard(loop, site->fd);
        if (site->opened)
            tow_listen_remove(&site->address);
        site->fd = -1;
        site->opened = false;
    }
}

void tow_site_report_failure(const tow_site *site, const tow_settings *settings, int error) {
    char address[TOW_ADDRESS_TEXT_MAX];
    tow_address_text(&site->address, address);
    bool says_more = strcmp(address, site->text) != 0; /* a text stands for several, or is more for people */
    tow_report_fields fields = {0};
    tow_report_add_text(&fields, "message", "cannot listen");
    tow_report_add_text(&fields, "option", site->status ? "status" : "listen");
    tow_report_add_text(&fields, "listen", site->text);
    tow_report_add_text(&fields, "address", address);
    tow_report_add_text(&fields, "why", tow_strerror(error));
    tow_report_with(settings, TOW_LOG_ERROR, &fields, "%s: cannot listen on %s%s%s%s: %s",
        site->status ? "status" : "listen", site->text, says_more ? " (" : "", says_more ? address : "",
        says_more ? ")" : "", tow_strerror(error));
}

/* Opens the addresses of one text. */
static int group_open(tow_site *sites, int count, tow_loop *loop, const tow_settings *settings) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int fds[TOW_ADDRESSES_MAX];
    int failed = 0;
    for (int i = 0; i < count; i++)
        addresses[i] = sites[i].address;
    int error = tow_listen_group_open(loop, addresses, fds, count, &failed);
    if (error != 0)
        tow_site_report_failure(&sites[failed], settings, error);
    for (int i = 0; error == 0 && i < count; i++) {
        sites[i].address = addresses[i];
        sites[i].fd = fds[i];
        sites[i].opened = fds[i] >= 0;
    }
    return error;
}

static bool is_shared(const tow_site *site) {
    return site->opened && !site->status && !tow_address_is_unix(&site->address);
}

/* Only now, so that a port that somebody else uses was an error. */
static int sites_share(const tow_sites *sites) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < sites->count; i++) {
        if (is_shared(&sites->items[i]))
            error = tow_listen_share(sites->items[i].fd);
    }
    return error;
}

int tow_sites_open(tow_sites *sites, tow_loop *loop, const tow_settings *settings) {
    int error = sites_make(sites, settings);
    for (size_t first = 0; error == 0 && first < sites->count;) {
        size_t end = first + 1;
        while (end < sites->count && sites->items[end].group == sites->items[first].group)
            end++;
        error = group_open(&sites->items[first], (int)(end - first), loop, settings);
        first = end;
    }
    if (error == 0 && settings->workers > 1)
        error = sites_share(sites);
    if (error != 0)
        tow_sites_clear(sites, loop);
    return error;
}

int tow_site_open_again(const tow_site *site, tow_loop *loop) {
    if (!is_shared(site))
        return TOW_ERROR_UNSUPPORTED;
    tow_address bound;
    return tow_listen_socket(loop, &site->address, &(tow_listen_options){.reuse_port = true}, &bound);
}

bool tow_sites_are_loopback(const tow_sites *sites, bool status) {
    for (size_t i = 0; i < sites->count; i++) {
        const tow_site *site = &sites->items[i];
        if (site->status == status && !tow_address_is_unix(&site->address) &&
            !tow_address_is_loopback(&site->address))
            return false;
    }
    return true;
}

static const tow_site *group_first(const tow_sites *sites, size_t group) {
    for (size_t i = 0; i < sites->count; i++) {
        if (sites->items[i].group == group && sites->items[i].opened)
            return &sites->items[i];
    }
    return NULL;
}

int tow_sites_port(const tow_sites *sites, size_t group) {
    const tow_site *site = group_first(sites, group);
    return site == NULL || tow_address_is_unix(&site->address) ? 0 : tow_address_port(&site->address);
}

void tow_sites_clear(tow_sites *sites, tow_loop *loop) {
    sites_close(sites, loop);
    free(sites->items);
    *sites = (tow_sites){0};
}

static const char *scheme_of(const tow_site *site, const tow_settings *settings) {
    if (site->status)
        return "http";
    return tow_tls_sources_are_some(&settings->tls) ? "wss" : "ws";
}

/* The host as in the option, as that is what people will type. */
static void group_report(const tow_sites *sites, const tow_site *site, const tow_settings *settings) {
    const char *colon = strrchr(site->text, ':');
    const char *scheme = scheme_of(site, settings);
    if (tow_address_is_unix(&site->address))
        tow_report(settings, TOW_LOG_NOTICE, "listening on %s", site->text);
    else if (colon == NULL)
        tow_report(settings, TOW_LOG_NOTICE, "listening on %s://localhost:%d/", scheme,
            tow_sites_port(sites, site->group));
    else
        tow_report(settings, TOW_LOG_NOTICE, "listening on %s://%.*s:%d/", scheme, (int)(colon - site->text),
            site->text, tow_sites_port(sites, site->group));
}

void tow_sites_report(const tow_sites *sites, const tow_settings *settings) {
    for (size_t i = 0; i < sites->count; i++) {
        if (i == 0 || sites->items[i].group != sites->items[i - 1].group)
            group_report(sites, &sites->items[i], settings);
    }
}
