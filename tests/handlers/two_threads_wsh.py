# One thread receives while another sends, as long as nobody has closed.
import threading
import time

from pywebsocket3 import msgutil


def web_socket_do_extra_handshake(request):
    pass


def _send(request):
    n = 0
    while not request.client_terminated:
        try:
            msgutil.send_message(request, 'tick %d' % n)
        except Exception:
            return
        n += 1
        time.sleep(0.001)


def web_socket_transfer_data(request):
    sender = threading.Thread(target=_send, args=(request,), daemon=True)
    sender.start()
    while True:
        message = msgutil.receive_message(request)
        if message is None:
            break
        msgutil.send_message(request, 'got ' + message)
    sender.join()
