"""Serves DynamoDB, Secrets Manager, SQS, SNS and S3 by moto, on the loopback port of the argument (0: a free port), until
standard input ends.

The conditional writes of moto are not atomic between threads, so that requests are answered one at a time.
"""

import io
import json
import logging
import os
import sys
import threading
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class OneAtATime:
    """Calls the application under a lock; a long poll of a queue is many short ones, so that it holds up nobody."""

    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        wait = 0
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
            request = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            wait, request["WaitTimeSeconds"] = request.get("WaitTimeSeconds", 0), 0
            body = json.dumps(request).encode()
            environ["CONTENT_LENGTH"] = str(len(body))
        end = time.monotonic() + wait
        while True:
            if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
                environ["wsgi.input"] = io.BytesIO(body)
            head = []
            with self.lock:
                answer = b"".join(self.application(dict(environ), lambda *of: head.append(of)))
            if time.monotonic() >= end or b'"Messages": [' in answer or not head[-1][0].startswith("200"):
                start_response(*head[-1])
                return [answer]
            time.sleep(0.05)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
# Threads only so that a connection which is open and silent holds up nobody.
server = make_server("127.0.0.1", int(sys.argv[1]), OneAtATime(DomainDispatcherApplication(create_backend_app)), threaded=True)
threading.Thread(target=end_with_parent, daemon=True).start()
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
