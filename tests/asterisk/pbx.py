"""Runs one Asterisk and one websmsd from a Debian root, as Asterisk's user, on loopback."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from typing import NamedTuple

from phone import PATIENCE, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "..", "..", "packaging", "asterisk", "extensions.websms.conf")

# Beside the sample: websms-out, and behind it what a dialplan of the operator's own would see.
OWN = """
[checks-out]
exten = _[+0-9a-zA-Z].,1,{agi}
 same = n,Log(NOTICE,SEEN ${{FILTER(0-9a-zA-Z+,${{EXTEN}})}}|${{AGISTATUS}}|${{WEBSMS_STATUS}}|${{WEBSMS_ID}}|${{WEBSMS_REASON}}|)
 same = n,Hangup()

; Shows that the trap can snap: this program does what nothing of ours may ever do.
exten = trap,1,AGI(trap)
 same = n,Log(NOTICE,SEEN trap|${{AGISTATUS}}||||)
 same = n,Hangup()

exten = missing,1,AGI(no-such-program)
 same = n,Log(NOTICE,SEEN missing|${{AGISTATUS}}||||)
 same = n,Hangup()

; A dialplan as it was for the PHP program: it answers first and sends then.
[old-open]
exten = _[+0-9a-zA-Z].,1,Answer()
 same = n,Hangup()

[old-in]
exten = _[+0-9a-zA-Z].,1,GotoIf($["${{MESSAGE_ENCODE}}" = "rfc3986"]?:send)
 same = n,Set(MESSAGE(body)=${{URIDECODE(${{MESSAGE(body)}})}})
 same = n(send),Set(MESSAGE(to)=)
 same = n,MessageSend(pjsip:${{DB(websms-phone/${{EXTEN}})}},${{MESSAGE(from)}})
 same = n,Log(NOTICE,SENT ${{EXTEN}} ${{MESSAGE_SEND_STATUS}})
 same = n,Hangup()
"""

TRAP = """#!/bin/sh
while read -r line && [ -n "$line" ]; do :; done
echo 'EXEC System "touch {folder}/canary/agi"'
read -r reply
"""


class Account(NamedTuple):
    """Returns a phone's account in pjsip.conf."""

    context: str = "websms-out"  # of the messages that it sends
    places: int = 0  # how many phones may register; 0: one phone is there without
    qualify: str = ""  # what Asterisk does to learn whether a phone is there


class Pbx:
    """`version` is Asterisk's major version."""

    def __init__(self, root, binary):
        self.root = root
        self.children = []
        user = next(line.split(":") for line in open(f"{root}/etc/passwd") if line.startswith("asterisk:"))
        self.uid, self.gid = int(user[2]), int(user[3])
        self.sip_port = free_port(socket.SOCK_DGRAM)
        self.http_port = free_port()
        self.outside = tempfile.mkdtemp(prefix="websms-", dir=root)
        self.folder = self.outside[len(root.rstrip("/")):]
        for name in ("etc", "lib", "agi", "spool/outgoing", "spool/outgoing_done", "spool/staging", "run", "log", "canary", "state"):
            os.makedirs(f"{self.outside}/{name}")
        shutil.copy(binary, f"{self.outside}/agi/websms")
        self.write("agi/trap", TRAP.format(folder=self.folder), 0o755)
        version = subprocess.run(self.inside(["/usr/sbin/asterisk", "-V"]), capture_output=True, text=True, check=True)
        self.version = int(version.stdout.split()[1].split(".")[0])
        with open(SAMPLE) as file:
            self.sample = file.read()

    def write(self, name, text, mode=0o600):
        """Replaces a file of Asterisk's user in one step. Asterisk would take a partial one from its spool."""
        new = f"{self.outside}/file.new"
        with open(new, "w") as file:
            file.write(text)
        os.chmod(new, mode)
        os.chown(new, self.uid, self.gid)
        os.rename(new, f"{self.outside}/{name}")

    def start(self, accounts, ports):
        """Writes Asterisk's configuration and starts it; the maps' keys are the names of phones, `ports` are UDP's."""
        modules = os.path.dirname(glob.glob(f"{self.root}/usr/lib/**/res_agi.so", recursive=True)[0])[len(self.root.rstrip("/")):]
        places = {
            "astetcdir": f"{self.folder}/etc", "astmoddir": modules, "astvarlibdir": f"{self.folder}/lib",
            "astdbdir": f"{self.folder}/lib", "astkeydir": f"{self.folder}/lib", "astdatadir": "/usr/share/asterisk",
            "astagidir": f"{self.folder}/agi", "astspooldir": f"{self.folder}/spool", "astrundir": f"{self.folder}/run",
            "astlogdir": f"{self.folder}/log", "astsbindir": "/usr/sbin",
        }
        self.write("etc/asterisk.conf", "[directories]\n" + "".join(f"{key} => {path}\n" for key, path in places.items()))
        # Modules that need the network or another channel driver are left out.
        self.write("etc/modules.conf", "[modules]\nautoload = yes\n" + "".join(
            f"noload = {name}.so\n" for name in ("chan_sip", "chan_iax2", "chan_unistim", "chan_mgcp", "chan_skinny", "chan_alsa", "chan_console", "res_hep", "chan_dahdi", "app_voicemail_odbc", "app_voicemail_imap")))
        self.write("etc/logger.conf", "[general]\n[logfiles]\nmessages => notice,warning,error,verbose(4)\n")
        # The files and their order are those that FreePBX makes, where a phone's message_context is added by a file of the
        # operator's own (packaging/doc/freepbx.md).
        endpoints = added = places = ""
        for name, account in accounts.items():
            place = f"max_contacts = {account.places}\n" if account.places else f"contact = sip:{name}@127.0.0.1:{ports[name]}\n"
            endpoints += f"[{name}]\ntype = endpoint\ntransport = udp\ncontext = nowhere\ndisallow = all\nallow = ulaw\naors = {name}\n"
            added += f"[{name}](+)\nmessage_context = {account.context}\n"
            places += f"[{name}]\ntype = aor\nremove_existing = yes\n{place}{account.qualify}"
        self.write("etc/pjsip.transports.conf", f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{self.sip_port}\n")
        self.write("etc/pjsip.endpoint.conf", endpoints)
        self.write("etc/pjsip.endpoint_custom_post.conf", added)
        self.write("etc/pjsip.aor.conf", places)
        self.write("etc/pjsip.conf", "".join(f"#include pjsip.{name}.conf\n" for name in ("transports", "endpoint", "endpoint_custom_post", "aor")))
        agi = next(line for line in self.sample.splitlines() if "AGI(" in line).split("n,", 1)[1]
        self.write("etc/extensions.conf", '[general]\n#include extensions_custom.conf\n' + OWN.format(agi=agi))
        self.write("etc/extensions_custom.conf", '#include "extensions.websms.conf"\n')
        self.write("etc/extensions.websms.conf", self.sample)
        subprocess.run(["chown", "-R", f"{self.uid}:{self.gid}", self.outside], check=True)
        os.chmod(self.outside, 0o755)
        return self.boot()

    def boot(self):
        """Starts Asterisk, and waits until it is up."""
        self.asterisk = self.spawn("asterisk", ["/usr/sbin/asterisk", "-f", "-C", f"{self.folder}/etc/asterisk.conf"])
        return wait_for(lambda: "fully booted" in self.cli("core waitfullybooted"))

    def halt(self):
        """Ends Asterisk, and waits until it has ended."""
        self.cli("core stop now")
        self.children.remove(self.asterisk)
        return self.asterisk.wait(PATIENCE)

    def spawn(self, name, command):
        output = open(f"{self.outside}/log/{name}.out", "ab")
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "WEBSMS_CONF": f"{self.folder}/websms.conf"}
        child = subprocess.Popen(self.inside(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        self.children.append(child)
        return child

    def inside(self, command):
        return ["chroot", f"--userspec={self.uid}:{self.gid}", self.root, *command]

    def cli(self, command):
        ran = subprocess.run(self.inside(["/usr/sbin/asterisk", "-C", f"{self.folder}/etc/asterisk.conf", "-rx", command]), capture_output=True)
        return (ran.stdout + ran.stderr).decode(errors="replace")

    def log(self, name="messages"):
        try:
            return open(f"{self.outside}/log/{name}", errors="replace").read()
        except FileNotFoundError:
            return ""

    def seen(self, number):
        """Returns what the dialplan saw of the message to `number`: status words, identifier and reason."""
        for line in self.log().splitlines():
            if f"SEEN {number}|" in line:
                return tuple(line.split("SEEN ", 1)[1].split("|")[1:5])
        return None

    def contact_status(self, phone):
        """Returns Asterisk's status of a phone: Avail, Unavail, NonQual and so on; None if it is not registered."""
        for line in self.cli("pjsip show contacts").splitlines():
            if f"/{phone.contact} " in line:
                return line.split()[3]
        return None

    def calls(self):
        """Returns the names of the call files that wait."""
        return os.listdir(f"{self.outside}/spool/outgoing")

    def canaries(self):
        return sorted(os.listdir(f"{self.outside}/canary"))

    def stop(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()
        shutil.rmtree(self.outside)
