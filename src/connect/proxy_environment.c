#include "connect/proxy.h"

#include "base/slice.h"
#include "transport/subnet.h"

#include <netinet/in.h>
#include <string.h>
#include <towline/error.h>

/* The first of the variables that is set and not empty. */
static const char *first_set(char *(*get)(const char *name), const char *const *names) {
    for (; *names != NULL; names++) {
        const char *value = get(*names);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

const char *tow_proxy_from_environment(char *(*get)(const char *name), bool secure, const char *host) {
    static const char *const plain[] = {"ws_proxy", "WS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const encrypted[] = {
        "wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};
    const char *proxy = first_set(get, secure ? encrypted : plain);
    const char *list = first_set(get, exceptions);
    return proxy != NULL && list != NULL && tow_no_proxy_matches(list, host) ? NULL : proxy;
}

/* The host is an address; what the list has are addresses and ranges. */
static bool range_matches(tow_slice entry, const tow_address *address) {
    tow_subnet subnet;
    return tow_subnet_read(&subnet, entry.data, entry.length) == 0 && tow_subnet_contains(&subnet, address);
}

/* The domain itself and all below it; a dot in front says no more. */
static bool domain_matches(tow_slice entry, tow_slice host) {
    if (entry.length > 0 && entry.data[0] == '.')
        entry = (tow_slice){entry.data + 1, entry.length - 1};
    if (entry.length > 0 && entry.data[entry.length - 1] == '.')
        entry.length--;
    if (entry.length == 0 || entry.length > host.length)
        return false;
    size_t before = host.length - entry.length;
    return tow_slices_match((tow_slice){host.data + before, entry.length}, entry) &&
           (before == 0 || host.data[before - 1] == '.');
}

bool tow_no_proxy_matches(const char *list, const char *host) {
    static const char separators[] = ", \t";
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_slice name = tow_slice_from(host);
    /* localhost is a name here, although its addresses are known */
    bool is_literal = tow_address_from_host(host, 0, addresses) == 1;
    if (name.length > 0 && name.data[name.length - 1] == '.')
        name.length--;
    for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
        tow_slice entry = {list, strcspn(list, separators)};
        list += entry.length;
        if (tow_slice_equals(entry, "*"))
            return true;
        if (is_literal ? range_matches(entry, &addresses[0]) : domain_matches(entry, name))
            return true;
    }
    return false;
}
