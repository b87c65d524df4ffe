#include "watch.h"

void tow_hub_watch(tow_hub *hub, tow_hub_watcher *watcher) {
    watcher->next = hub->watchers;
    hub->watchers = watcher;
}

static bool watches(const tow_hub_watcher *watcher, tow_slice name) {
    return name.length >= watcher->prefix.length &&
           (watcher->prefix.length == 0 ||
               memcmp(name.data, watcher->prefix.data, watcher->prefix.length) == 0);
}

static void count_at(const tow_hub_watcher *watcher, const tow_channel *channel, bool more) {
    tow_slice name = tow_channel_name(channel);
    if (more && channel->subscribers == 1 && watcher->occupied != NULL)
        watcher->occupied(watcher, name);
    if (watcher->counted != NULL)
        watcher->counted(watcher, name, channel->subscribers);
    if (!more && channel->subscribers == 0 && watcher->vacated != NULL)
        watcher->vacated(watcher, name);
}

void tow_watch_count(const tow_hub *hub, const tow_channel *channel, bool more) {
    for (const tow_hub_watcher *watcher = hub->watchers; watcher != NULL; watcher = watcher->next)
        if (watches(watcher, tow_channel_name(channel)))
            count_at(watcher, channel, more);
}

void tow_watch_member(const tow_hub *hub, const tow_channel *channel, const tow_member *member, bool joined) {
    for (const tow_hub_watcher *watcher = hub->watchers; watcher != NULL; watcher = watcher->next)
        if (watcher->member != NULL && watches(watcher, tow_channel_name(channel)))
            watcher->member(watcher, tow_channel_name(channel), member, joined);
}
