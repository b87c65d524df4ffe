# Refuses compression, or leaves messages as they are.
def web_socket_do_extra_handshake(request):
    if request.uri.endswith('?refused'):
        request.ws_extension_processors = []
    if request.uri.endswith('?inactive'):
        request.ws_extension_processors[0].set_active(False)


def web_socket_transfer_data(request):
    request.ws_stream.send_message('x' * 1000)
    if request.ws_extensions:
        request.ws_extension_processors[0].disable_outgoing_compression()
    request.ws_stream.send_message('y' * 1000)
    request.ws_stream.send_message(str(len(request.ws_stream.receive_message())))
    request.ws_stream.send_message('secure' if request.is_https() else 'plain')
