/* http1_upgrade: the connection becomes a WebSocket: 101, then the stream's events are the socket's. */
#ifndef TOW_SERVER_HTTP1_UPGRADE_H
#define TOW_SERVER_HTTP1_UPGRADE_H

#include "http1_state.h"
#include "upgrade.h"

/* tow_exchange_class.upgrade. */
int tow_http1_upgrade(tow_exchange *exchange, const tow_upgrade *upgrade);

#endif
