"""What is done to a key store while something breaks, and how one sees afterwards that nothing is lost.

An operation is made ready in a folder (`make`), done any number of times (`action`), and looked for afterwards (`done`). Whatever
happened in between, `fault` must find nothing wrong: every mail from before opens, and `cseal doctor` finds nothing broken.
"""
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

ADDRESS = "alice@example.org"
FIRST_SCHEMA = Path(__file__).resolve().parents[2] / "testdata" / "store" / "first-schema"
# How often an operation can be done at most, where each time needs something of its own.
PREPARED = 60
MAIL = f"From: {ADDRESS}\nTo: {ADDRESS}\nSubject: fault\nDate: Sat, 01 Aug 2026 10:00:00 +0000\n\nHello.\n"


class Broken(Exception):
    """What must never be seen."""


class Program:
    """cseal, in a folder, without a terminal."""

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def run(self, place, arguments, home="home", before=(), text=b""):
        environment = dict(os.environ, COUNTERSEAL_HOME=str(place / home), XDG_CACHE_HOME=str(place / "cache"))
        command = ["setsid", "--wait", *before, self.path, *arguments]
        return subprocess.run(command, cwd=place, env=environment, capture_output=True, input=text)

    def must(self, place, arguments, home="home"):
        ran = self.run(place, arguments, home)
        if ran.returncode:
            raise Broken(f"{' '.join(arguments)}: exit {ran.returncode}: {ran.stderr.decode(errors='replace').strip()}")
        return ran.stdout

    def look(self, place, how=(), home="home"):
        """Looks at everything in a store; what is only advice is no harm."""
        ran = self.run(place, ["doctor", *how], home)
        if ran.returncode not in (0, 1):
            raise Broken(f"doctor: {ran.stdout.decode()}{ran.stderr.decode(errors='replace')}")


class Operation:
    """One operation on a store without passphrase that has two encryption keys and a mail for each."""

    # Exit codes of one that is done again, after it may have been done.
    again = (0,)
    # Exit codes with which it says that it is not done.
    failures = range(1, 5)

    def __init__(self, cseal):
        self.cseal = cseal

    def make(self, place):
        (place / "mail.eml").write_text(MAIL)
        self.cseal.must(place, ["init", ADDRESS, "--no-passphrase", "--algorithm", "p-256"])
        self.cseal.must(place, ["encrypt", "mail.eml", "-o", "first.eml"])
        self.cseal.must(place, ["keys", "generate", ADDRESS, "--algorithm", "p-256"])
        self.cseal.must(place, ["encrypt", "mail.eml", "-o", "second.eml"])

    def home(self, number):
        """The store that the action works on."""
        return "home"

    def action(self, place, number):
        """The command line of the action."""
        raise NotImplementedError

    def text(self, number):
        """What the action reads."""
        return b""

    def prepare(self, place):
        """Does what the action takes for granted, before anything breaks."""

    def run(self, place, number, before=()):
        """Does the action."""
        return self.cseal.run(place, self.action(place, number), self.home(number), before, self.text(number))

    def done(self, place, answers):
        """Which of the actions, of whose answers these are, are done and will stay."""
        raise NotImplementedError

    def fault(self, place):
        """Raises Broken where anything from before is gone."""
        self.cseal.look(place)
        for mail in ("first.eml", "second.eml"):
            self.cseal.must(place, ["decrypt", mail])

    def reads(self, place):
        """Raises Broken where mail does not open, on a disk without any room."""
        self.cseal.must(place, ["decrypt", "first.eml"])

    def keys(self, place):
        listed = json.loads(self.cseal.must(place, ["keys", "list", "--json"]))["keys"]
        return {key["fingerprint"]: key for key in listed if key["certificates"]}


class Generate(Operation):
    """`cseal keys generate`"""

    def action(self, place, number):
        return ["keys", "generate", ADDRESS, "--algorithm", "p-256", "--json"]

    def done(self, place, answers):
        keys = self.keys(place)
        made = {number: json.loads(answer)["keys"][0]["fingerprint"] for number, answer in answers.items()}
        return {number for number, fingerprint in made.items() if fingerprint in keys}


class Renew(Operation):
    """`cseal keys renew`"""

    def action(self, place, number):
        return ["keys", "renew", ADDRESS, "--algorithm", "p-256", "--json"]

    def done(self, place, answers):
        keys = self.keys(place)

        def stays(answer):
            new, old = [key["fingerprint"] for key in answer["keys"]], answer["retired"]
            return all(key in keys for key in new) and all(key in keys and keys[key]["retired"] for key in old)

        return {number for number, answer in answers.items() if stays(json.loads(answer))}

    def fault(self, place):
        super().fault(place)
        # At every instant there is a key that one can write to, and that signs.
        self.cseal.must(place, ["encrypt", "mail.eml", "-o", "now.eml", "--overwrite"])
        self.cseal.must(place, ["decrypt", "now.eml"])


class Import(Operation):
    """`cseal keys import` of a `.p12`"""

    def make(self, place):
        super().make(place)
        (place / "secret").write_text("secret\n")
        (place / "sealed").mkdir()
        for number in range(PREPARED):
            made(place, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.key", "-out", "k.pem",
                 "-days", "900", "-subj", "/CN=Alice", "-addext", f"subjectAltName=email:{ADDRESS}", "-addext", "keyUsage=critical,keyAgreement",
                 "-addext", "basicConstraints=critical,CA:FALSE")
            made(place, "pkcs12", "-export", "-inkey", "k.key", "-in", "k.pem", "-out", f"{number}.p12", "-passout", "pass:secret", "-iter", "1000")
            made(place, "cms", "-encrypt", "-aes-256-cbc", "-in", "mail.eml", "-out", f"sealed/{number}.eml", "k.pem")

    def action(self, place, number):
        return ["keys", "import", f"{number}.p12", "--passphrase-file", "secret", "--json"]

    def done(self, place, answers):
        def opens(number):
            return not self.cseal.run(place, ["decrypt", f"sealed/{number}.eml"]).returncode

        # Key and certificate come together: the mail opens by the identifier that the certificate has.
        return {number for number in answers if opens(number)}


class Passphrase(Operation):
    """`cseal passphrase --new-passphrase-file`"""

    more = []
    again = (0, 3)

    def make(self, place):
        super().make(place)
        for number in range(PREPARED + 1):
            (place / f"passphrase{number}").write_text(f"correct horse {number}\n")
        self.cseal.must(place, ["passphrase", "--new-passphrase-file", "passphrase0"])

    def action(self, place, number):
        return ["passphrase", "--passphrase-file", f"passphrase{number}", "--new-passphrase-file", f"passphrase{number + 1}", *self.more]

    def opened_by(self, place):
        """The passphrase that opens the store. The newest is tried first: it costs a second to try one."""
        acknowledged = place / "acknowledged"
        newest = int(acknowledged.read_text()) if acknowledged.exists() else 0
        for number in (newest + 1, newest, *range(newest)):
            if not self.cseal.run(place, ["decrypt", "first.eml", "--passphrase-file", f"passphrase{number}"]).returncode:
                return number
        raise Broken("no passphrase opens the store")

    def done(self, place, answers):
        (place / "acknowledged").write_text(str(max(answers, default=-1) + 1))
        opened = self.opened_by(place)
        return {number for number in answers if number < opened}

    def reads(self, place):
        self.opened_by(place)

    def fault(self, place):
        how = ["--passphrase-file", f"passphrase{self.opened_by(place)}"]
        self.cseal.look(place, how)
        self.cseal.must(place, ["decrypt", "second.eml", *how])


class Suspected(Passphrase):
    """`cseal passphrase --suspected`: a new store master key"""

    more = ["--suspected"]


class Migration(Operation):
    """the first command after the tables changed"""

    def make(self, place):
        shutil.copy(FIRST_SCHEMA / "generation0.pem", place / "bob.pem")
        (place / "mail.eml").write_text(MAIL)
        made(place, "cms", "-encrypt", "-aes-256-cbc", "-in", "mail.eml", "-out", "first.eml", "bob.pem")
        for number in range(PREPARED):
            (place / f"home{number}").mkdir(mode=0o700)
            shutil.copy(FIRST_SCHEMA / "store.sqlite3", place / f"home{number}")

    def home(self, number):
        return f"home{number}"

    def action(self, place, number):
        return ["keys", "list"]

    def reads(self, place):
        # Tables of an earlier version are brought to these first, which takes room; without it that is said.
        pass

    def version(self, place, number):
        with open(place / f"home{number}" / "store.sqlite3", "rb") as store:
            # The file format has `user_version` at octet 60.
            return int.from_bytes(store.read(64)[60:64], "big")

    def done(self, place, answers):
        return {number for number in answers if self.version(place, number) > 1}

    def fault(self, place):
        for number in range(PREPARED):
            if len(os.listdir(place / f"home{number}")) > 1 or self.version(place, number) > 1:
                self.cseal.look(place, home=f"home{number}")
                self.cseal.must(place, ["decrypt", "first.eml"], home=f"home{number}")


class Backup(Operation):
    """`cseal backup`"""

    again = (0, 3)

    def make(self, place):
        super().make(place)
        (place / "passphrase").write_text("correct horse\n")

    def action(self, place, number):
        return ["backup", f"{number}.backup", "--new-passphrase-file", "passphrase"]

    def done(self, place, answers):
        def comes_back(number):
            home, how = f"restored{number}", ["--passphrase-file", "passphrase"]
            shutil.rmtree(place / home, ignore_errors=True)
            if self.cseal.run(place, ["restore", f"{number}.backup", *how], home).returncode:
                return False
            return all(not self.cseal.run(place, ["decrypt", mail, *how], home).returncode for mail in ("first.eml", "second.eml"))

        return {number for number in answers if comes_back(number)}

    def fault(self, place):
        super().fault(place)
        # A file that bears the name is whole.
        whole = [int(name.stem) for name in place.glob("[0-9]*.backup")]
        missing = set(whole) - self.done(place, dict.fromkeys(whole))
        if missing:
            raise Broken(f"half a backup: {sorted(missing)}")


class Restore(Operation):
    """`cseal restore --replace`, with a key that is in the present store alone"""

    def make(self, place):
        (place / "passphrase").write_text("correct horse\n")
        super().make(place)
        self.cseal.must(place, ["backup", "keys.backup", "--new-passphrase-file", "passphrase"])
        self.cseal.must(place, ["keys", "generate", ADDRESS, "--algorithm", "p-256"])
        self.cseal.must(place, ["encrypt", "mail.eml", "-o", "third.eml"])

    def action(self, place, number):
        return ["restore", "keys.backup", "--replace", "--passphrase-file", "passphrase"]

    def reads(self, place):
        self.ways(place)

    def ways(self, place):
        """A store that was restored opens by the passphrase of the backup, one that was not by itself."""
        ways = ([], ["--passphrase-file", "passphrase"])
        good = [how for how in ways if not self.cseal.run(place, ["decrypt", "first.eml", *how]).returncode]
        if not good:
            raise Broken("the store opens neither as it was nor as it is in the backup")
        return good

    def done(self, place, answers):
        return set(answers) if ["--passphrase-file", "passphrase"] in self.ways(place) else set()

    def fault(self, place):
        how = self.ways(place)[0]
        self.cseal.look(place, how)
        for mail in ("second.eml", "third.eml"):
            self.cseal.must(place, ["decrypt", mail, *how])


class Rewrap(Operation):
    """`cseal archive rewrap`, mbox to mbox"""

    again = (0, 3)
    mails = 12

    def make(self, place):
        super().make(place)
        for number in range(self.mails):
            self.cseal.must(place, ["encrypt", "mail.eml", "-o", f"mail{number}.eml"])
        mails = [(place / f"mail{number}.eml").read_text() for number in range(self.mails)]
        (place / "in.mbox").write_text("".join(f"From {ADDRESS} Sat Aug  1 10:00:00 2026\n{mail}\n" for mail in mails))
        self.cseal.must(place, ["keys", "renew", ADDRESS, "--algorithm", "p-256"])

    def action(self, place, number):
        return ["archive", "rewrap", str(place / "in.mbox"), "-o", str(place / f"out{number}.mbox")]

    def archive(self, number):
        return f"out{number}.mbox"

    def is_whole(self, place, archive):
        """Every mail of the archive opens."""
        plain = f"{archive}.plain"
        ran = self.cseal.run(place, ["archive", "decrypt", archive, "-o", plain, "--json"])
        for left in place.glob(f"{plain}*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        return not ran.returncode and json.loads(ran.stdout.splitlines()[-1])["outcomes"] == {"decrypted": self.mails}

    def is_for_the_newest(self, place, number):
        archive = self.archive(number)
        if not (place / archive).exists():
            return False
        ran = self.cseal.run(place, ["archive", "rewrap", archive, "-o", f"{archive}.again", "--json"])
        (place / f"{archive}.again").unlink(missing_ok=True)
        return not ran.returncode and json.loads(ran.stdout.splitlines()[-1])["outcomes"] == {"already": self.mails}

    def done(self, place, answers):
        return {number for number in answers if self.is_for_the_newest(place, number)}

    def fault(self, place):
        super().fault(place)
        for archive in ["in.mbox", *(out.name for out in place.glob("out*.mbox"))]:
            if not self.is_whole(place, archive):
                raise Broken(f"not every mail of {archive} opens")


class RewrapInPlace(Rewrap):
    """`cseal archive rewrap --in-place`, a Maildir"""

    again = (0,)
    prepared = 8

    def make(self, place):
        super().make(place)
        for number in range(self.prepared):
            for folder in ("cur", "new", "tmp"):
                (place / self.archive(number) / folder).mkdir(parents=True)
            for mail in range(self.mails):
                shutil.copy(place / f"mail{mail}.eml", place / self.archive(number) / "cur" / f"17{mail}.M1P2.host:2,S")

    def archive(self, number):
        return f"Maildir{number % self.prepared}"

    def action(self, place, number):
        return ["archive", "rewrap", "--in-place", str(place / self.archive(number))]

    def is_for_the_newest(self, place, number):
        ran = self.cseal.run(place, ["archive", "rewrap", "--in-place", self.archive(number), "--json"])
        return not ran.returncode and json.loads(ran.stdout.splitlines()[-1])["outcomes"] == {"already": self.mails}

    def fault(self, place):
        Operation.fault(self, place)
        for number in range(self.prepared):
            if not self.is_whole(place, self.archive(number)):
                raise Broken(f"not every mail of {self.archive(number)} opens")


class Queue(Operation):
    """`cseal-sendmail`, into the queue"""

    # Of sysexits.h: I/O error, try again, and the key store cannot be read.
    failures = (74, 75, 78)
    how = "-odq"
    # Another sendmail, which has a mail when it is on the disk.
    NEXT = """#!/bin/sh
set -e
arrived=${0%/*}/arrived
cat > "$arrived/$$"
sync "$arrived/$$"
mv "$arrived/$$" "$arrived/$$.eml"
sync "$arrived"
"""

    def make(self, place):
        super().make(place)
        (place / "arrived").mkdir()
        (place / "next").write_text(self.NEXT)
        (place / "next").chmod(0o700)

    def action(self, place, number):
        config = f'[account.next]\nsmtp = "sendmail:{place}/next"\n'
        file = place / "home" / "config.toml"
        if not file.exists() or file.read_text() != config:
            file.write_text(config)
            os.sync()
        return ["sendmail", self.how, "-t"]

    def text(self, number):
        return MAIL.replace("\n\n", f"\nMessage-ID: <mail{number}@example.org>\n\n", 1).encode()

    def queued(self, place):
        """The mails of the queue, each of them whole."""
        mails = [file.read_bytes() for file in (place / "home" / "queue" / "new").glob("*") if not file.suffix]
        for mail in mails:
            if mail[-69:] != b"end " + hashlib.sha256(mail[:-69]).hexdigest().encode() + b"\n":
                raise Broken("a mail of the queue is damaged")
        return mails

    def done(self, place, answers):
        mails = self.queued(place) + [file.read_bytes() for file in (place / "arrived").glob("*.eml")]
        return {number for number in answers if any(b"<mail%d@example.org>" % number in mail for mail in mails)}

    def fault(self, place):
        super().fault(place)
        waiting = self.queued(place)
        self.cseal.must(place, ["queue", "flush"])
        if self.queued(place):
            raise Broken("a mail is not sent")
        arrived = [file.read_bytes().replace(b"\r", b"") for file in (place / "arrived").glob("*.eml")]
        for mail in waiting:
            if not any(one in mail.replace(b"\r", b"") for one in arrived):
                raise Broken("a mail did not arrive as it was")


class Send(Queue):
    """`cseal-sendmail`, through another sendmail"""

    how = "-odi"


class Sync(Operation):
    """`cseal device sync`, of which another device takes in what it posts"""

    # Who syncs, and who made the key that is on its way.
    syncs, makes = "home", "home"
    places = ("home", "other")
    # What was said of the key that is on its way; nothing where none is.
    made = None

    def make(self, place):
        super().make(place)
        (place / "stick").mkdir()
        self.cseal.must(place, ["device", "export", "--store", "copy", "--recovery-file", "sheet", "--this-device", "desk"])
        self.pair(place)
        for _ in range(3):
            for home in self.places:
                self.sync(place, home)

    def pair(self, place):
        """The second device joins by two files, and is an admin as the first."""
        join = ["device", "join", "--json", "--name", "laptop", "--no-passphrase", "--file", "request"]
        self.cseal.must(place, join, "other")
        add = ["device", "add", "--json", "--role", "admin", "--file", "request", "--answer", "answer"]
        events = [json.loads(line) for line in self.cseal.run(place, add, text=b"y\ny\n").stdout.splitlines()]
        words = next(event["words"] for event in events if event["event"] == "answer-words")
        joined = self.cseal.run(place, ["device", "join", "--json", "--answer", "answer"], "other", text=words.encode() + b"\n")
        if joined.returncode:
            raise Broken(joined.stderr.decode())

    def meet(self, place):
        """The folder where they meet is beside their homes, wherever these are now."""
        for home in self.places:
            file, text = place / home / "config.toml", f'[[sync]]\nfolder = "{place}/stick"\n'
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
                os.sync()

    def sync(self, place, home):
        self.meet(place)
        return json.loads(self.cseal.must(place, ["device", "sync", "--json"], home))

    def prepare(self, place):
        """One device makes a key; where it is not the one that syncs, it posts it."""
        self.meet(place)
        made = self.cseal.run(place, ["keys", "renew", ADDRESS, "--encryption", "--algorithm", "p-256", "--json"], self.makes)
        if not made.returncode and self.makes != self.syncs:
            self.sync(place, self.makes)
        self.made = made

    def run(self, place, number, before=()):
        """What follows the making of a key is one round: of the device that made it, or of the one that it is for."""
        if not self.made:
            self.prepare(place)
        made, self.made = self.made, None
        if made.returncode:
            return made
        ran = self.cseal.run(place, ["device", "sync", "--json"], self.syncs, before)
        # Which place failed, and why, is in the report.
        if ran.returncode == 3 and ran.stdout and json.loads(ran.stdout)["troubles"]:
            ran.stderr = ran.stderr or ran.stdout
        ran.stdout = made.stdout + ran.stdout
        return ran

    def key_of(self, answer):
        """The key of an answer; nothing where it was not all taken in or posted."""
        made, report = (json.loads(part) for part in answer.decode().replace("} {", "}\n{").split("\n") if part.strip())
        if report["waiting"]:
            raise Broken(f"said to be done, and something waits: {report}")
        return None if report["troubles"] else made["keys"][0]["fingerprint"]

    def keys_at(self, place, home):
        listed = json.loads(self.cseal.must(place, ["keys", "list", "--json"], home))["keys"]
        return [key["fingerprint"] for key in listed]

    def done(self, place, answers):
        self.sync(place, "other")
        there = self.keys_at(place, "other")
        keys = {number: self.key_of(answer) for number, answer in answers.items()}
        return {number for number, key in keys.items() if key is None or key in there}

    def fault(self, place):
        super().fault(place)
        self.grow_old(place)
        reports = []
        for _ in range(4):
            reports = [self.sync(place, home) for home in self.places]
            # Whoever says the same twice in other words would be taken for two.
            if any(report["alarms"] or report["refused"] for report in reports):
                raise Broken(f"a device is at odds with itself: {reports}")
        left = [file.name for file in self.unfinished(place)]
        if left:
            raise Broken(f"half written files stay for ever: {left}")
        if any(report["entries"] or report["imported"] or report["posted"] or report["waiting"] for report in reports):
            raise Broken(f"it does not come to rest: {reports}")
        keys = [self.keys_at(place, home) for home in self.places]
        if any(len(set(some)) != len(some) for some in keys):
            raise Broken("a key came twice")
        shared = [{key["fingerprint"] for key in self.shared(place, home)} for home in self.places]
        if shared[0] != shared[1]:
            raise Broken(f"the devices do not have the same keys: {shared}")

    def unfinished(self, place):
        """Files in the folder that nobody finished."""
        return list((place / "stick").glob("*/.cseal-*"))

    def grow_old(self, place):
        """A day later, they are nobody's."""
        for file in self.unfinished(place):
            os.utime(file, (time.time() - 2 * 86400,) * 2)

    def shared(self, place, home):
        listed = json.loads(self.cseal.must(place, ["keys", "list", "--json"], home))["keys"]
        return [key for key in listed if key["use"] == "encryption"]


class SyncIn(Sync):
    """`cseal device sync`, which takes in what another device posted"""

    makes = "other"

    def done(self, place, answers):
        there = self.keys_at(place, "home")
        keys = {number: self.key_of(answer) for number, answer in answers.items()}
        return {number for number, key in keys.items() if key is None or key in there}


OPERATIONS = {
    "queue": Queue,
    "send": Send,
    "generate": Generate,
    "import": Import,
    "renew": Renew,
    "passphrase": Passphrase,
    "suspected": Suspected,
    "migration": Migration,
    "backup": Backup,
    "restore": Restore,
    "rewrap": Rewrap,
    "rewrap-in-place": RewrapInPlace,
    "sync": Sync,
    "sync-in": SyncIn,
}


def made(place, *arguments):
    """Runs openssl, which must succeed."""
    subprocess.run(["openssl", *arguments], cwd=place, check=True, capture_output=True)
