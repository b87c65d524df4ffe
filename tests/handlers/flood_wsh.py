# Sends more than anybody takes; tells how long a send may take at most.
def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    kind = request.ws_stream.receive_message()
    data = b'x' * (1 << 20)
    while kind == 'flood':
        request.ws_stream.send_message(data, binary=True)
    while kind == 'bytes':
        request.connection.write(data)
    while kind == 'pings':
        request.ws_stream.send_ping('ping')
    while kind == 'print':
        print('x' * 1000)
