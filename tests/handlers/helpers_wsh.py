# MessageReceiver and MessageSender.
from mod_pywebsocket import msgutil


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    receiver = msgutil.MessageReceiver(request)
    sender = msgutil.MessageSender(request)
    for _ in range(2):
        sender.send(receiver.receive())
    sender.send_nowait('one more')
    while receiver.receive() is not None:
        pass
