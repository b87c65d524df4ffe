# Takes its time: in the handshake, before it receives, or for ever.
import time


def web_socket_do_extra_handshake(request):
    if request.uri.endswith('?handshake'):
        time.sleep(1.5)


def web_socket_transfer_data(request):
    if request.uri.endswith('?receive'):
        time.sleep(1.5)
    if request.uri.endswith('?ever'):
        time.sleep(1000)
    while True:
        message = request.ws_stream.receive_message()
        if message is None:
            return
        request.ws_stream.send_message(str(len(message)))
