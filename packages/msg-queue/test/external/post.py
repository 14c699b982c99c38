#!/usr/bin/env python3
"""Posts one message of a channel to a queue, from outside of Node: src/message-layout.ts written in another language.

  post.py (--posix /NAME [--priority N] | --sysv KEY [--type N]) [--directory DIR] < JSON

The value is JSON on standard input and travels as MessagePack; a string of the form "bytes:<n>" becomes n bytes, for a
payload that is no text. A message larger than the queue takes goes through a file in DIR, as spill-name.ts says.
Only the standard library is used.
"""
import argparse
import ctypes
import hashlib
import json
import os
import secrets
import struct
import sys

MAGIC, VERSION, INLINE, SPILLED = b"MRmq", 1, 0, 1
libc = ctypes.CDLL(None, use_errno=True)


def pack(value):
    """MessagePack, as much of it as JSON and bytes need."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">Bi", 0xD2, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 0xD3, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str) and value.startswith("bytes:"):
        data = bytes(i % 251 for i in range(int(value[6:])))
        return struct.pack(">BI", 0xC6, len(data)) + data
    if isinstance(value, str):
        data = value.encode()
        return struct.pack(">BI", 0xDB, len(data)) + data
    if isinstance(value, list):
        return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))
    items = b"".join(pack(key) + pack(item) for key, item in value.items())
    return struct.pack(">BI", 0xDF, len(value)) + items


def check(result, call):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{call}: {os.strerror(ctypes.get_errno())}")
    return result


def spill(directory, identity, payload):
    """Writes the payload to a file that only this queue's reader takes, and returns the body of its message."""
    token = hashlib.sha256(identity.encode()).hexdigest()[:12]
    with open("/proc/self/stat", encoding="latin1") as stat:
        start_time = stat.read().rpartition(") ")[2].split()[19]
    name = f"millrace-queue-{token}-{os.getpid()}-{start_time}-{secrets.token_hex(8)}"
    descriptor = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(payload)
    return struct.pack("<Q", len(payload)) + name.encode()


def message(payload, size, directory, identity):
    if 8 + len(payload) <= size:
        return MAGIC + struct.pack("<BBH", VERSION, INLINE, 0) + payload
    return MAGIC + struct.pack("<BBH", VERSION, SPILLED, 0) + spill(directory, identity, payload)


class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("flags", "maxmsg", "msgsize", "curmsgs")] + [("pad", ctypes.c_long * 4)]


def post_posix(name, priority, directory, payload):
    queue = check(libc.mq_open(name.encode(), os.O_WRONLY), "mq_open")
    attributes = Attributes()
    check(libc.mq_getattr(queue, ctypes.byref(attributes)), "mq_getattr")
    body = message(payload, attributes.msgsize, directory, f"posix:{name}")
    check(libc.mq_send(queue, body, ctypes.c_size_t(len(body)), priority), "mq_send")


def post_system_v(key, kind, directory, payload):
    queue = check(libc.msgget(ctypes.c_int(key), 0), "msgget")
    with open("/proc/sys/kernel/msgmax", encoding="ascii") as limit:
        size = int(limit.read())
    body = message(payload, size, directory, f"sysv:0x{key & 0xFFFFFFFF:08x}")
    check(libc.msgsnd(queue, struct.pack("l", kind) + body, ctypes.c_size_t(len(body)), 0), "msgsnd")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--posix")
    parser.add_argument("--sysv", type=lambda text: int(text, 0))
    parser.add_argument("--priority", type=int, default=0)
    parser.add_argument("--type", type=int, default=1)
    parser.add_argument("--directory", default=os.environ.get("TMPDIR", "/tmp"))
    options = parser.parse_args()
    payload = pack(json.load(sys.stdin))
    if options.posix is not None:
        post_posix(options.posix, options.priority, options.directory, payload)
    else:
        post_system_v(options.sysv, options.type, options.directory, payload)


main()
