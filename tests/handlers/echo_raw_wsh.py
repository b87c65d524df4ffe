# What the text says goes out as bytes.
from mod_pywebsocket import msgutil


def web_socket_do_extra_handshake(request):
    request.ws_extension_processors = []


def web_socket_transfer_data(request):
    while True:
        line = msgutil.receive_message(request)
        if line == 'exit' or line is None:
            return
        request.connection.write(line.encode('latin-1'))
