# Closes with the code and reason of the query, or tells those of the client.
from urllib.parse import parse_qs, urlsplit

from mod_pywebsocket import common


def web_socket_do_extra_handshake(request):
    request.query = parse_qs(urlsplit(request.uri).query,
                             keep_blank_values=True)


def web_socket_transfer_data(request):
    code = request.query.get('code', [None])[0]
    if code is not None:
        request.ws_stream.close_connection(
            int(code) if code != 'none' else None,
            request.query.get('reason', [''])[0],
            wait_response='now' not in request.query)
        if 'now' in request.query:
            message = request.ws_stream.receive_message()
            print('behind our close:', message)
        return
    assert request.ws_stream.receive_message() is None
    assert request.client_terminated
    print('closed', request.ws_close_code, request.ws_close_reason)


def web_socket_passive_closing_handshake(request):
    answer = request.query.get('answer', ['echo'])[0]
    if answer == 'abort':
        from mod_pywebsocket.handshake import AbortedByUserException
        raise AbortedByUserException('no answer')
    if answer == 'none':
        return None, 'left out'
    if answer != 'echo':
        return int(answer), 'as asked'
    code, reason = request.ws_close_code, request.ws_close_reason
    if code == common.STATUS_NO_STATUS_RECEIVED:
        code = None
    return code, reason
