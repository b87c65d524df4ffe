/* close: status codes and the payload of a Close frame (RFC 6455, sections 5.5.1 and 7.4). Declared for
 * everybody, in towline/protocol.h. */
#ifndef TOW_PROTOCOL_CLOSE_H
#define TOW_PROTOCOL_CLOSE_H

#include <towline/protocol.h>

#endif
