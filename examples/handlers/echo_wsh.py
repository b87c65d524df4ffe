"""Sends each message back. On "Goodbye" it does that, too, and returns, so
that the connection closes with 1000."""

_GOODBYE = 'Goodbye'


def web_socket_do_extra_handshake(request):
    pass  # every client is welcome


def web_socket_transfer_data(request):
    while True:
        message = request.ws_stream.receive_message()
        if message is None:
            return  # the client has closed
        request.ws_stream.send_message(
            message, binary=isinstance(message, bytes))
        if message == _GOODBYE:
            return
