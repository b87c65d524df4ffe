#include "order.h"

void order_take(struct order *order, const struct client *witness) {
    memset(order, 0, sizeof(*order));
    for (size_t i = 0; i < witness->count; i++) {
        unsigned number = witness->all[i].number;
        assert_in_range(number, 1, ORDER_MAX - 1);
        assert_int_equal(order->positions[number], 0);
        order->positions[number] = (unsigned)i + 1;
        order->numbers[i + 1] = number;
    }
    order->length = witness->count;
}

/* Between two that a client has heard. */
struct pause {
    bool is_told; /* that something is missing */
    bool is_anew; /* it was away, and nothing is promised of that, */
    unsigned since;
    bool is_slow; /* something may have been dropped at any time, and nobody tells it */
};

/* All that has begun behind `since` it has to hear. */
static bool may_skip(const struct order *order, const struct pause *pause, unsigned from, unsigned to) {
    if (pause->is_slow)
        return to > from;
    for (unsigned at = from + 1; at < to; at++)
        if (pause->is_anew ? order->numbers[at] > pause->since : !pause->is_told)
            return false;
    return to > from;
}

unsigned order_check(const struct order *order, const struct client *client) {
    const struct pause begun = {.is_slow = client->kind->is_not_told && client->scene->padding > 0};
    struct pause pause = begun;
    unsigned last = 0, told = 0;
    for (size_t i = 0; i < client->count; i++) {
        const struct client_heard *heard = &client->all[i];
        if (heard->number == 0) {
            pause.is_told |= heard->is_gap;
            told += heard->is_gap;
            if (!heard->is_gap)
                pause.is_anew = true;
            if (!heard->is_gap)
                pause.since = heard->since;
            continue;
        }
        unsigned position = order->positions[heard->number];
        if (!may_skip(order, &pause, last, position) || (heard->position != 0 && heard->position != position))
            fail_msg("client %u (%s): heard %zu is number %u, at %u (it says %u), after %u%s%s",
                client->place, client->kind->name, i, heard->number, position, heard->position, last,
                pause.is_told ? ", told" : "", pause.is_anew ? ", anew" : "");
        last = position;
        pause = begun;
    }
    if (last != order->length && !(pause.is_told && client->last == order->length))
        fail_msg("client %u (%s): the last that it has heard is at %u of %zu", client->place,
            client->kind->name, last, order->length);
    return told;
}
