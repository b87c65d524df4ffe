# The whole value of the field; or one that was never requested; or the list
# wiped.
def web_socket_do_extra_handshake(request):
    if request.uri.endswith('?never'):
        request.ws_protocol = 'never-requested'
    elif request.uri.endswith('?wiped'):
        request.ws_requested_protocols = None
    else:
        request.ws_protocol = request.headers_in.get('Sec-WebSocket-Protocol')


def web_socket_transfer_data(request):
    request.ws_stream.send_message(request.ws_protocol or 'none')
