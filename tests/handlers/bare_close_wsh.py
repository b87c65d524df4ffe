# Its own Close as bytes, then says so, and reads the client's.
from mod_pywebsocket import stream


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    request.connection.write(stream.create_close_frame(
        stream.create_closing_handshake_body(3001, 'mine')))
    request.server_terminated = True
    if request.ws_stream.receive_message() is not None:
        raise ValueError('something else came')
