"""What several checks use: AWS services by moto, and a stack on them."""

import os
import urllib.request

import pytest
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

import moto_stack


@pytest.fixture(scope="session")
def moto_server():
    """Serves AWS services on a port of this machine, and returns the address."""
    # No function is run, and every execution of a state machine fails at once, so that there is one to look at.
    default_user_config["lambda"]["use_docker"] = False
    os.environ["SF_EXECUTION_HISTORY_TYPE"] = "FAILURE"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def fresh_moto(moto_server):
    """Returns the address of AWS services that hold nothing."""
    urllib.request.urlopen(urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")).close()
    return moto_server


@pytest.fixture(scope="module")
def moto_deployed(fresh_moto):
    """Creates the stack of the template, and returns it with its outputs."""
    stack = moto_stack.Stack(moto_stack.clients(fresh_moto))
    return stack, stack.create()
