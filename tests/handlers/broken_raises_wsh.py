import json

json.loads('')
