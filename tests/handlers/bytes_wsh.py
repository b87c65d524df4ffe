# Reads frames as bytes, as objects and as messages.
def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    stream = request.ws_stream
    header = stream.receive_bytes(2)
    key = request.connection.read(4)
    body = stream._read(header[1] & 0x7f)
    text = bytes(b ^ key[i % 4] for i, b in enumerate(body)).decode()
    frame = stream._receive_frame_as_frame_object()
    stream.send_message('%s %d %s' % (text, frame.opcode,
                                      frame.payload.decode()))
    stream.send_message(stream.receive_message())
