/* way_options: the rows of whoever opens a connection: the head that is sent, the way to the server and TLS
 * with it. They fill a tow_connect_settings. */
#ifndef TOW_PROGRAM_WAY_OPTIONS_H
#define TOW_PROGRAM_WAY_OPTIONS_H

#include "options.h"

extern const tow_option tow_way_head_rows[];
extern const tow_option tow_way_rows[];
extern const tow_option tow_way_fallback_rows[]; /* of those who can go by Engine.IO */
extern const tow_option tow_way_tls_rows[];      /* for wss://, and for a proxy at https:// */
extern const tow_option tow_way_identity_rows[]; /* behind those: a certificate of one's own */

#endif
