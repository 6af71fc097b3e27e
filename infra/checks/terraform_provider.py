"""A provider for Terraform that makes nothing: it has the schema of the AWS provider and answers plans with speaking values.

Terraform validates and plans a module against it as it does against the real one, without account and network. Every text that a service would
make up, such as an ARN, is `((type|name|attribute))` in the plan, so that whoever compares the plan sees which resource a reference leads to.
"""

import json
import os
from concurrent import futures

import grpc
import msgpack

UNKNOWN = msgpack.ExtType(0, b"\x00")
NESTINGS = {"list": 2, "set": 3}
# What tells the resources of one type apart, the best first.
NAMES = ["function_name", "bucket", "bucket_prefix", "name_prefix", "name", "deployment_group_name", "route_key", "service_name", "rule", "queue_url", "arn"]


def varint(number):
    """Encodes a number as protocol buffers do."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def field(number, value):
    """Encodes a field of a message: a number or truth value, a text, or bytes that may be a message themselves."""
    if isinstance(value, (bool, int)):
        return varint(number << 3) + varint(int(value))
    encoded = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(encoded)) + encoded


def fields(message):
    """Decodes a message into its fields; of a repeated one the last value stays, and numbers are not needed here."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            found[key >> 3] = number()
        else:
            assert key & 7 == 2, "only numbers and texts are sent"
            length = number()
            found[key >> 3] = message[at : at + length]
            at += length
    return found


def dynamic(value):
    """Encodes a value of a resource."""
    return field(1, msgpack.packb(value))


def value_of(message):
    """Decodes a value of a resource."""
    parts = fields(message)
    return msgpack.unpackb(parts[1]) if 1 in parts else json.loads(parts[2])


def block(schema):
    """Encodes the schema of a block."""
    encoded = b""
    for name, one in schema["attributes"].items():
        flags = {"required": 4, "optional": 5, "computed": 6, "write_only": 11}
        encoded += field(2, field(1, name) + field(2, json.dumps(one["type"])) + b"".join(field(flags[flag], True) for flag in flags if flag in one))
    for name, one in schema["block_types"].items():
        limits = b"".join(field(number, one[limit]) for limit, number in (("min", 4), ("max", 5)) if limit in one)
        encoded += field(3, field(1, name) + field(2, block(one["block"])) + field(3, NESTINGS[one["nesting"]]) + limits)
    return encoded


def entry(name, schema):
    """Encodes an entry of the table of schemas."""
    return field(1, name) + field(2, field(2, block(schema)))


class Provider:
    """Answers what Terraform asks a provider for `validate` and `plan`."""

    def __init__(self, schema, data=None, ephemeral=None):
        self.schema = {"resources": {}, "data": {}, "ephemeral": {}, **schema}
        self.data = data or {}
        self.ephemeral = ephemeral or {}
        # Whether what a service would make up is told in the plan, or is unknown until the apply as with the real provider.
        self.speaking = True
        # What was configured for the resources that have write-only values, which no plan shows.
        self.configured = {}

    def serve(self, address):
        """Starts to answer at the address of a Unix socket."""
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        server.add_generic_rpc_handlers([self])
        server.add_insecure_port(f"unix:{address}")
        server.start()
        return server

    def service(self, call):
        """Finds the method that answers a call."""
        service, method = call.method.lstrip("/").split("/")
        answers = {
            "GetProviderSchema": self.schemas,
            "PlanResourceChange": self.plan,
            "ReadDataSource": self.read,
            "OpenEphemeralResource": self.open,
        }
        empty = {
            "ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "ValidateEphemeralResourceConfig", "ConfigureProvider",
            "CloseEphemeralResource", "StopProvider",
        }
        if service != "tfplugin6.Provider" or method not in answers and method not in empty:
            return None
        answer = answers.get(method, lambda request: b"")
        return grpc.unary_unary_rpc_method_handler(lambda request, context: answer(request))

    def schemas(self, request):
        """Tells all schemas."""
        encoded = field(1, field(2, block({"attributes": {}, "block_types": {}})))
        for number, kind in ((2, "resources"), (3, "data"), (8, "ephemeral")):
            encoded += b"".join(field(number, entry(name, one)) for name, one in self.schema[kind].items())
        return encoded

    def plan(self, request):
        """Plans a new resource: what the service would make up becomes a speaking value."""
        parts = fields(request)
        kind = parts[1].decode()
        proposed = value_of(parts[3])
        if proposed is None:
            return field(1, dynamic(None))
        attributes = self.schema["resources"][kind]["attributes"]
        name = next((proposed[one] for one in NAMES if isinstance(proposed.get(one), str)), "")
        if any("write_only" in one for one in attributes.values()):
            self.configured[kind, proposed.get("secret_id")] = value_of(parts[4])
        for attribute, one in attributes.items():
            if "computed" in one and proposed.get(attribute) is None:
                proposed[attribute] = f"(({kind}|{name}|{attribute}))" if self.speaking and one["type"] == "string" else UNKNOWN
            if "write_only" in one:
                proposed[attribute] = None
        return field(1, dynamic(proposed)) + field(5, True)

    def read(self, request):
        """Reads a data source."""
        return field(1, dynamic(self.answer("data", request, self.data)))

    def open(self, request):
        """Opens an ephemeral resource."""
        return field(3, dynamic(self.answer("ephemeral", request, self.ephemeral)))

    def answer(self, kind, request, values):
        parts = fields(request)
        name = parts[1].decode()
        given = value_of(parts[2]) or {}
        nothing = dict.fromkeys(self.schema[kind][name]["attributes"])
        nothing.update({block: [] for block in self.schema[kind][name]["block_types"]})
        return {**nothing, **given, **values[name]}


def reattach(sockets):
    """Returns what TF_REATTACH_PROVIDERS must be, so that Terraform asks these sockets."""
    return json.dumps({
        f"registry.terraform.io/hashicorp/{name}": {
            "Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": {"Network": "unix", "String": str(socket)},
        }
        for name, socket in sockets.items()
    })
