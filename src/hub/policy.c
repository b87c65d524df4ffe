#include "hub/policy.h"

#include "hub/name.h"

#define SECONDS_DEFAULT 60
#define LINGER_DEFAULT 30
#define COUNT_DEFAULT 1000
#define BYTES_DEFAULT (UINT64_C(1) << 20)

void tow_channel_policy_resolve(tow_channel_policy *policy) {
    if (policy->slow_count == 0)
        policy->slow_count = COUNT_DEFAULT;
    if (policy->slow_bytes == 0)
        policy->slow_bytes = BYTES_DEFAULT;
    if (policy->history_seconds == 0)
        policy->history_seconds = SECONDS_DEFAULT;
    if (policy->history_bytes == 0)
        policy->history_bytes = BYTES_DEFAULT;
    if (policy->linger_seconds == 0)
        policy->linger_seconds = LINGER_DEFAULT;
}

static tow_channel_access access(tow_channel_access set, tow_channel_access otherwise, tow_slice name) {
    tow_channel_access given = set != TOW_ACCESS_DEFAULT ? set : otherwise;
    return given != TOW_ACCESS_NOBODY && tow_channel_name_is_private(name) ? TOW_ACCESS_TOKEN : given;
}

tow_channel_access tow_channel_policy_subscribers(const tow_channel_policy *policy, tow_slice name) {
    return access(policy->subscribe, TOW_ACCESS_SAME_ORIGIN, name);
}

tow_channel_access tow_channel_policy_publishers(const tow_channel_policy *policy, tow_slice name) {
    return access(policy->publish, TOW_ACCESS_NOBODY, name);
}
