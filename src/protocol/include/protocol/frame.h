/* frame: the header of a frame, read and written (RFC 6455, section 5.2).
 *
 * Bytes in, a plain struct out, and back. Knows the wire format, not what is allowed when: that is the
 * receiver's. Declared for everybody, in towline/protocol.h. */
#ifndef TOW_PROTOCOL_FRAME_H
#define TOW_PROTOCOL_FRAME_H

#include <towline/protocol.h>

#endif
