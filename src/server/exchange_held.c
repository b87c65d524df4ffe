/* exchange_held: who the client is, and what is in memory of a body that is wanted whole, in the worker's
 * sums. */
#include "exchange_state.h"
#include "server/address_table.h"

uint64_t tow_exchange_client(tow_exchange *exchange) {
    return tow_address_key(tow_visitor_address(&exchange->visitor));
}

tow_cause tow_exchange_hold(tow_exchange *exchange, size_t bytes) {
    tow_unfinished_part *held = &exchange->held;
    bool is_first = held->bytes == 0 && bytes > 0;
    uint64_t address = is_first ? tow_exchange_client(exchange) : 0;
    return tow_unfinished_hold(tow_exchange_worker(exchange)->context, held, address, bytes);
}

void tow_exchange_drop_body(tow_exchange *exchange) {
    tow_buffer_clear(&exchange->body);
    (void)tow_exchange_hold(exchange, 0);
}
