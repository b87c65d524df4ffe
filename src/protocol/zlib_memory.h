/* zlib_memory: lets zlib allocate through this library's own calls, so that tests can make each of them fail.
 */
#ifndef TOW_PROTOCOL_ZLIB_MEMORY_H
#define TOW_PROTOCOL_ZLIB_MEMORY_H

#define ZLIB_CONST /* zlib does not write to its input, and says so when asked */
#include <zlib.h>

/* Call before deflateInit2 or inflateInit2. */
void tow_zlib_memory_use(z_stream *stream);

#endif
