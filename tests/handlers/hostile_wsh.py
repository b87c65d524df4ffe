# What harms nobody but itself.
import os
import threading
import time


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    kind = request.ws_stream.receive_message()
    if kind == 'exit':
        os._exit(7)
    if kind == 'fork':
        if os.fork() == 0:
            return
        time.sleep(0.2)
    if kind == 'fork-stays':
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    if kind == 'threads':
        for _ in range(50):
            threading.Thread(target=time.sleep, args=(60,),
                             daemon=True).start()
    if kind == 'garbage':
        request.connection._link.socket.sendall(b'\xff' * 100)
        time.sleep(60)
    if kind == 'half':
        request.connection._link.socket.sendall(b'\x00\x00\x10\x00\x20half')
        request.connection._link.socket.close()
        return
    if kind == 'control':
        os.write(5, b'\xff' * 100)
        os.write(6, b'\xff' * 100)
    if kind == 'descriptors':
        for fd in range(3, 30):
            try:
                os.close(fd)
            except OSError:
                pass
    if kind == 'recursion':
        def deeper(n):
            return deeper(n + 1)
        deeper(0)
    request.ws_stream.send_message('done')
