# Is never loaded.
import time

time.sleep(1000000)
