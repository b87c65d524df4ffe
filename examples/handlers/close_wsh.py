"""Closes with the code and the reason that the client asks for: "4000 why".
A client that closes itself gets its own code back."""

from mod_pywebsocket import common


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    message = request.ws_stream.receive_message()
    if message is None:
        return
    code, _, reason = message.partition(' ')
    request.ws_stream.close_connection(int(code), reason)


def web_socket_passive_closing_handshake(request):
    code = request.ws_close_code
    if code == common.STATUS_NO_STATUS_RECEIVED:
        return None, ''  # a Close without a code is answered by such a one
    return code, request.ws_close_reason
