#include "listening.h"

#include "report.h"
#include "transport/inherited.h"
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

static void report_failure(
    const tow_settings *settings, bool status, const char *text, const char *address, const char *why) {
    const char *option = status ? "status" : "listen";
    bool says_more = address[0] != '\0' && strcmp(address, text) != 0; /* a text may stand for several */
    tow_report_fields fields = {0};
    tow_report_add_text(&fields, "message", "cannot listen");
    tow_report_add_text(&fields, "option", option);
    tow_report_add_text(&fields, "listen", text);
    tow_report_add_text(&fields, "address", address[0] != '\0' ? address : NULL);
    tow_report_add_text(&fields, "why", why);
    tow_report_with(settings, TOW_LOG_ERROR, &fields, "%s: cannot listen on %s%s%s%s: %s", option, text,
        says_more ? " (" : "", says_more ? address : "", says_more ? ")" : "", why);
}

void tow_site_report_failure(const tow_site *site, const tow_settings *settings, int error) {
    char address[TOW_ADDRESS_TEXT_MAX];
    tow_address_text(&site->address, address);
    report_failure(settings, site->status, site->text, address, tow_strerror(error));
}

/* Which there are. */

/* One of the options' texts. */
typedef struct listen_text {
    const char *text;
    size_t group;
    bool status;
} listen_text;

static listen_text text_at(const tow_settings *settings, size_t index) {
    size_t listens = list_length(settings->listens);
    bool status = index >= listens;
    const char *text = status ? settings->status[index - listens] : settings->listens[index];
    return (listen_text){.text = text, .group = index, .status = status};
}

/* How many sites a text stands for; an error has its line in the log. */
static int sites_of(const tow_settings *settings, const listen_text *from, tow_address *addresses) {
    tow_complaint complaint = {0};
    if (!tow_is_inherited(from->text))
        return tow_address_parse(from->text, addresses);
    int count = tow_inherited_count(from->text, &complaint);
    if (count < 0)
        report_failure(settings, from->status, from->text, "", complaint.text);
    return count;
}

static int group_add(tow_sites *sites, const tow_settings *settings, const listen_text *from) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = sites_of(settings, from, addresses);
    if (count < 0)
        return count;
    tow_site *items = realloc(sites->items, (sites->count + (size_t)count) * sizeof(*items));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    sites->items = items;
    for (int i = 0; i < count; i++) {
        tow_site *site = &items[sites->count++];
        *site = (tow_site){.text = from->text,
            .group = from->group,
            .status = from->status,
            .inherited = tow_is_inherited(from->text),
            .fd = -1};
        if (!site->inherited)
            site->address = addresses[i];
    }
    return 0;
}

static int sites_make(tow_sites *sites, const tow_settings *settings) {
    size_t texts = list_length(settings->listens) + list_length(settings->status);
    int error = 0;
    for (size_t i = 0; error == 0 && i < texts; i++) {
        listen_text from = text_at(settings, i);
        error = group_add(sites, settings, &from);
    }
    return error;
}

static void sites_close(tow_sites *sites, tow_loop *loop) {
    for (size_t i = 0; i < sites->count; i++) {
        tow_site *site = &sites->items[i];
        if (site->fd >= 0)
            tow_loop_discard(loop, site->fd);
        if (site->opened && !site->inherited)
            tow_listen_remove(&site->address);
        site->fd = -1;
        site->opened = false;
    }
}

/* Opens those that somebody else has opened already. */
static int group_inherit(tow_site *sites, int count, tow_loop *loop, const tow_settings *settings) {
    int error = 0;
    for (int i = 0; error == 0 && i < count; i++) {
        tow_complaint complaint = {0};
        int fd = tow_inherited_open(loop, sites[i].text, i, &sites[i].address, &complaint);
        error = fd < 0 ? fd : 0;
        sites[i].fd = fd < 0 ? -1 : fd;
        sites[i].opened = fd >= 0;
        if (error != 0)
            report_failure(settings, sites[i].status, sites[i].text, "",
                complaint.text[0] != '\0' ? complaint.text : tow_strerror(error));
    }
    return error;
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
    return site->opened && !site->status && !site->inherited && !tow_address_is_unix(&site->address);
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
        tow_site *group = &sites->items[first];
        int count = (int)(end - first);
        error = group->inherited ? group_inherit(group, count, loop, settings)
                                 : group_open(group, count, loop, settings);
        first = end;
    }
    if (error == 0 && settings->workers > 1)
        error = sites_share(sites);
    if (error != 0)
        tow_sites_clear(sites, loop);
    return error;
}

int tow_site_descriptor(const tow_site *site) {
    return site->inherited ? tow_inherited_copy(site->fd) : site->fd;
}

int tow_site_open_again(const tow_site *site, tow_loop *loop) {
    if (site->inherited && !site->status)
        return tow_inherited_copy(site->fd);
    if (!is_shared(site))
        return TOW_ERROR_UNSUPPORTED;
    tow_address bound;
    return tow_listen_socket(loop, &site->address, &(tow_listen_options){.reuse_port = true}, &bound);
}

bool tow_sites_are_loopback(const tow_sites *sites, bool status) {
    bool any = false;
    for (size_t i = 0; i < sites->count; i++) {
        const tow_site *site = &sites->items[i];
        if (site->status != status)
            continue;
        any = true;
        if (!tow_address_is_unix(&site->address) && !tow_address_is_loopback(&site->address))
            return false;
    }
    return any;
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

bool tow_sites_text(const tow_sites *sites, size_t group, size_t place, char out[TOW_ADDRESS_TEXT_MAX]) {
    for (size_t i = 0; i < sites->count; i++) {
        const tow_site *site = &sites->items[i];
        if (site->group != group || !site->opened || place-- > 0)
            continue;
        tow_address_text(&site->address, out);
        return true;
    }
    return false;
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

/* Where somebody else has chosen, the address is what there is to tell. */
static void inherited_report(const tow_site *site, const tow_settings *settings) {
    char address[TOW_ADDRESS_TEXT_MAX];
    tow_address_text(&site->address, address);
    if (tow_address_is_unix(&site->address))
        tow_report(settings, TOW_LOG_NOTICE, "listening on %s (%s)", address, site->text);
    else
        tow_report(settings, TOW_LOG_NOTICE, "listening on %s://%s/ (%s)", scheme_of(site, settings), address,
            site->text);
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
        const tow_site *site = &sites->items[i];
        if (site->inherited)
            inherited_report(site, settings);
        else if (i == 0 || site->group != sites->items[i - 1].group)
            group_report(sites, site, settings);
    }
}
