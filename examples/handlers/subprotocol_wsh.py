"""Speaks one of two subprotocols, whichever the client would rather have."""

import json

_KNOWN = ('json', 'plain')


def web_socket_do_extra_handshake(request):
    for name in request.ws_requested_protocols or []:
        if name in _KNOWN:
            request.ws_protocol = name
            return
    raise ValueError('none of the subprotocols is known')  # 403


def web_socket_transfer_data(request):
    while True:
        message = request.ws_stream.receive_message()
        if message is None:
            return
        if request.ws_protocol == 'json':
            message = json.dumps({'you said': message})
        request.ws_stream.send_message(message)
