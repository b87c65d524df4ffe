def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    for part in ('one ', 'two ', 'three'):
        request.ws_stream.send_message(part, end=part == 'three')
    request.ws_stream.send_message(b'a' * 300000, end=False, binary=True)
    request.ws_stream.send_message(b'b' * 300000, binary=True)
    request.ws_stream.send_message(request.ws_stream.receive_message())
