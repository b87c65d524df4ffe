/* close: status codes and the payload of a Close frame (RFC 6455, sections 5.5.1 and 7.4). Declared for
 * everybody, in towline/protocol.h, but for what only we need. */
#ifndef TOW_PROTOCOL_CLOSE_H
#define TOW_PROTOCOL_CLOSE_H

#include <towline/protocol.h>

/* Whether a code tells of an end without trouble: 1000, 1001, or none (1005). */
bool tow_close_code_is_orderly(unsigned code);

#endif
