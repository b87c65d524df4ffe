#include "hub/policy.h"

#define SECONDS_DEFAULT 60
#define LINGER_DEFAULT 30
#define COUNT_DEFAULT 1000
#define BYTES_DEFAULT (UINT64_C(1) << 20)

void tow_channel_policy_resolve(tow_channel_policy *policy) {
    if (policy->subscribe == TOW_ACCESS_DEFAULT)
        policy->subscribe = TOW_ACCESS_SAME_ORIGIN;
    if (policy->publish == TOW_ACCESS_DEFAULT)
        policy->publish = TOW_ACCESS_NOBODY;
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
