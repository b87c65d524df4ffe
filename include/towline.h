/* towline.h: WebSocket for C. Includes every public header. */
#ifndef TOWLINE_H
#define TOWLINE_H

#include <towline/blocking.h>
#include <towline/error.h>
#include <towline/log.h>
#include <towline/loop.h>
#include <towline/message.h>
#include <towline/protocol.h>
#include <towline/reconnector.h>
#include <towline/server.h>
#include <towline/shared.h>
#include <towline/stream.h>
#include <towline/version.h>
#include <towline/websocket.h>

#endif
