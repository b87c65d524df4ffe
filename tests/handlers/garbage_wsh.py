# Bytes that are no answer, and then returns as if nothing were.
def web_socket_do_extra_handshake(request):
    request.connection.write(b'garbage ahead\r\n')


def web_socket_transfer_data(request):
    request.ws_stream.send_message('behind')
